#include "tests/router_simulator/menu_tables.h"

namespace muster::simulator {

absl::string_view SystemMenus() {
  return R"(
/system folder
  +reboot()
  +shutdown()
  +reset-configuration(no-defaults,keep-users,skip-backup,run-after-reset)
/system/identity settings
  name:t=MikroTik
/system/resource settings
  uptime:T^ version:t^ build-time:t^ factory-software:t^ free-memory:n^ total-memory:n^ cpu:t^
  cpu-count:n^ cpu-frequency:n^ cpu-load:n^ free-hdd-space:n^ total-hdd-space:n^
  write-sect-since-reboot:n^ write-sect-total:n^ bad-blocks:n^ architecture-name:t^ board-name:t^
  platform:t^
/system/routerboard settings
  routerboard:b^ board-name:t^ model:t^ revision:t^ serial-number:t^ firmware-type:t^
  factory-firmware:t^ current-firmware:t^ upgrade-firmware:t^
  +upgrade()
/system/routerboard/settings settings
  auto-upgrade:b=no silent-boot:b=no
/system/license settings
  software-id:t^ system-id:t^ upgradable-to:t^ nlevel:n^ features:t^ level:t^
/system/health settings @6 <7
  voltage:n^ temperature:n^
/system/health table,fixed,volatile @7
  name:t#^ value:t^ type:t^
/system/scheduler table
  name:t# start-date:t start-time:t interval:T=0s policy:p on-event:c="" owner:t^ run-count:n^=0
  next-run:t^ disabled:b=no comment:t
/system/script table
  name:t# owner:t policy:p dont-require-permissions:b=no source:c="" last-started:t^ run-count:n^=0
  comment:t invalid:b^=no
  +run('number,use-script-permissions)
/system/script/job table,fixed,volatile
  script:t^ type:t^ started:t^ parent:t^ owner:t^ policy:p^
/system/script/environment table,fixed,volatile
  name:t#^ value:t user:t^
/system/note settings
  show-at-login:b=yes show-at-cli-login:b@7.14=no note:t=""
/system/clock settings
  time:t date:t time-zone-autodetect:b=yes time-zone-name:t=Europe/Riga gmt-offset:t^ dst-active:b^
/system/ntp/client settings @7
  enabled:b=no mode:t=unicast servers:t="" vrf:t=main freq-drift:t^ status:t^=stopped
/system/ntp/client settings <7
  enabled:b=no primary-ntp:i=0.0.0.0 secondary-ntp:i=0.0.0.0 server-dns-names:t="" mode:t^=unicast
/system/ntp/client/servers table @7
  address:t# iburst:b=yes min-poll:n=6 max-poll:n=10 disabled:b=no comment:t
/system/package table,fixed,volatile
  name:t#^ version:t^ build-time:t^ scheduled:t^ disabled:b^=no
/system/package/update settings
  channel:t=stable installed-version:t^ latest-version:t^ status:t^
  +check-for-updates(once,as-value,without-paging,duration,interval)
  +install(ignore-missing)
/system/logging table
  topics:t=info action:t=memory prefix:t="" regex:t@7.18="" disabled:b=no default:b^=no invalid:b^=no
/system/logging/action table
  name:t# target:t=memory remote:t=0.0.0.0 remote-port:n=514 src-address:t=0.0.0.0
  bsd-syslog:b<7.18=no remote-log-format:t@7.18=default remote-protocol:t@7.18=udp
  syslog-facility:t=daemon syslog-severity:t=auto memory-lines:n=1000 memory-stop-on-full:b=no
  disk-file-name:t=log disk-lines-per-file:n=1000 disk-file-count:n=2 disk-stop-on-full:b=no
  remember:b=yes default:b^=no comment:t
/system/device-mode settings @7.17
  mode:t^=advanced container:b^=no fetch:b^=yes scheduler:b^=yes traffic-gen:b^=no install-any-version:b^=no
  flagged:b^=no flagging-enabled:b^=yes attempt-count:n^=0 bandwidth-test:b^=yes email:b^=yes hotspot:b^=yes
  ipsec:b^=yes l2tp:b^=yes pptp:b^=yes proxy:b^=yes romon:b^=yes sniffer:b^=yes socks:b^=yes
  smb:b^=yes zerotier:b^=yes partitions:b^=no routerboard:b^=no
/system/backup folder
  +save('name,dont-encrypt,encryption,password)
  +load('name,password)
/log table,fixed,volatile
  time:t^ topics:t^ message:t^ buffer:t^
  +debug('message) +info('message) +warning('message) +error('message)
/file table,volatile
  name:t#* type:t^=file size:n^=0 creation-time:t^ last-modified:t^ contents:t
  +read(file,offset,chunk-size,as-value)@7.13
/certificate table,volatile
  name:t# common-name:t country:t state:t locality:t organization:t unit:t subject-alt-name:t
  key-type:t^ key-size:t digest-algorithm:t days-valid:n key-usage:t trusted:b=no issuer:t^
  serial-number:t^ fingerprint:t^ akid:t^ skid:t^ invalid-before:t^ invalid-after:t^
  expires-after:T^ expired:b^=no private-key:b^=no authority:b^=no crl:b^=no
  +import('file-name,passphrase,name,as-value,no-key-export@7.14,trusted@7.14)
/user table
  name:t#* group:t*=read password:t% address:t="" last-logged-in:t^ disabled:b=no comment:t
  inactivity-policy:t@7.16=none inactivity-timeout:T@7.16=10m
/user/group table
  name:t#* policy:p skin:t=default comment:t
/tool folder
  +fetch('url,address,as-value,ascii,certificate,check-certificate,dst-path,duration,host,http-data,http-header-field,http-method,keep-result,mode,once,output,password,port,src-address,src-path,upload,user,without-paging,http-auth-scheme@7.13,http-content-encoding@7.13,idle-timeout@7.15,http-max-redirect-count@7.18,http-percent-encoding@7.22,http-version@7.22)
  +ping('address,count,interval,size,interface,src-address,ttl,arp-ping,do-not-fragment,as-value@7)
  +flood-ping('address,count,size,timeout,{do,once,interval,duration,as-value@7,without-paging)
/tool/netwatch table
  host:i* type:t@7.4=simple interval:T=10s timeout:T=3s start-delay:T@7.4=3s startup-delay:T@7.4=5m
  up-script:c="" down-script:c="" test-script:c@7.4="" packet-count:n@7.4=10
  packet-interval:T@7.4=50ms packet-size:n@7.4=54 thr-avg:T@7.4=100ms thr-jitter:T@7.4=1s
  thr-stdev:T@7.4=250ms thr-max:T@7.4=1s thr-loss-percent:t@7.4=85% thr-loss-count:n@7.4=4294967295
  thr-http-time:T@7.4=10s thr-tcp-conn-time:T@7.4=1s http-codes:t@7.4="" port:n@7.4 certificate:t@7.4
  check-certificate:b@7.4 src-address:t@7.10 ttl:n@7.14=255 accept-icmp-time-exceeded:b@7.14=no
  ignore-initial-up:b@7.18=no ignore-initial-down:b@7.18=no name:t@7.4
  status:t^=unknown since:t^ done-tests:n@7.4^ failed-tests:n@7.4^ sent-count:n@7.4^
  response-count:n@7.4^ loss-count:n@7.4^ loss-percent:t@7.4^ rtt-avg:T@7.4^ rtt-min:T@7.4^
  rtt-max:T@7.4^ rtt-jitter:T@7.4^ rtt-stdev:T@7.4^ disabled:b=no comment:t
)";
}

}  // namespace muster::simulator
