#include "tests/router_simulator/menu_tables.h"

namespace muster::simulator {

absl::string_view NetworkMenus() {
  return R"(
/interface table,fixed
  name:t# type:t^ default-name:t^ mtu:n=1500 actual-mtu:n^=1500 l2mtu:n mac-address:t^
  running:b^=no dynamic:b^=no slave:b^=no disabled:b=no comment:t rx-byte:n^=0 tx-byte:n^=0
  last-link-up-time:t^ link-downs:n^=0
/interface/ethernet table,fixed
  name:t# default-name:t^ mtu:n=1500 l2mtu:n mac-address:t orig-mac-address:t^ arp:t=enabled
  auto-negotiation:b=yes running:b^=no slave:b^=no disabled:b=no comment:t
/interface/bridge table
  name:t# mtu:t=auto arp:t=enabled protocol-mode:t=rstp priority:t=0x8000 vlan-filtering:b=no
  fast-forward:b=yes igmp-snooping:b=no auto-mac:b=yes admin-mac:t ageing-time:T=5m pvid:n=1
  dhcp-snooping:b=no mac-address:t^ running:b^=yes dynamic:b^=no disabled:b=no comment:t
/interface/bridge/port table
  bridge:I* interface:I*# priority:t=0x80 path-cost:n=10 edge:t=auto hw:b=yes pvid:n=1 horizon:t=none
  frame-types:t=admit-all ingress-filtering:b=yes trusted:b=no bpdu-guard:b=no learn:t=auto
  inactive:b^=no dynamic:b^=no disabled:b=no comment:t
/interface/vlan table
  name:t# mtu:n=1500 arp:t=enabled vlan-id:n=1 interface:I* use-service-tag:b=no mac-address:t^
  running:b^=yes disabled:b=no comment:t
/interface/list table
  name:t#* include:t="" exclude:t="" comment:t builtin:b^=no dynamic:b^=no
/interface/list/member table
  list:t* interface:I* dynamic:b^=no disabled:b=no comment:t
/interface/wireguard table @7
  name:t# mtu:n=1420 listen-port:n=13231 private-key:t% public-key:t^ running:b^=yes disabled:b=no
  comment:t
/interface/wireguard/peers table @7
  interface:I* public-key:t* endpoint-address:t="" endpoint-port:n=0 allowed-address:w=""
  persistent-keepalive:T preshared-key:t% name:t@7.15 responder:b@7.17=no
  client-address:t@7.12 client-dns:t@7.12 client-endpoint:t@7.12 client-keepalive:T@7.12
  client-listen-port:n@7.12 private-key:t@7.12% current-endpoint-address:t^ rx:n^ tx:n^
  last-handshake:T^ dynamic:b^=no disabled:b=no comment:t
/ip/address table
  address:a* netmask:i network:i broadcast:i interface:I* actual-interface:t^ dynamic:b^=no
  invalid:b^=no disabled:b=no comment:t
/ip/route table
  dst-address:w=0.0.0.0/0 gateway:t pref-src:t check-gateway:t distance:n=1 scope:n=30
  target-scope:n=10 routing-table:t@7=main vrf-interface:t@7 blackhole:t@7 type:t<7=unicast
  routing-mark:t<7 suppress-hw-offload:b@7=no active:b^=yes dynamic:b^=no static:b^=yes
  disabled:b=no comment:t
/ipv6/route table
  dst-address:t=::/0 gateway:t check-gateway:t distance:n=1 scope:n=30 target-scope:n=10
  routing-table:t@7=main blackhole:t@7 active:b^=yes dynamic:b^=no disabled:b=no comment:t
/ip/dns settings
  servers:t="" dynamic-servers:t^="" use-doh-server:t@6.47="" verify-doh-cert:b@6.47=no
  allow-remote-requests:b=no max-udp-packet-size:n=4096 query-server-timeout:T=2s
  query-total-timeout:T=10s max-concurrent-queries:n=100 max-concurrent-tcp-sessions:n=20
  cache-size:t=2048KiB cache-max-ttl:T=1w cache-used:t^=24KiB
/ip/dns/static table
  name:t regexp:t type:t@6.47=A address:t cname:t@6.47 forward-to:t@6.47 text:t@6.47 ttl:T=1d
  match-subdomain:b@7=no dynamic:b^=no disabled:b=no comment:t
/ip/service table,fixed
  name:t#^ port:n address:t="" certificate:t tls-version:t=any vrf:t@7=main max-sessions:n@7.16=20
  invalid:b^=no disabled:b=no
/ip/firewall/filter table,ordered
  chain:t* action:t=accept src-address:w dst-address:w src-address-list:t dst-address-list:t
  protocol:t src-port:t dst-port:t port:t in-interface:t out-interface:t in-interface-list:t
  out-interface-list:t connection-state:t connection-nat-state:t connection-mark:t packet-mark:t
  connection-type:t connection-limit:t limit:t dst-limit:t src-address-type:t dst-address-type:t
  src-mac-address:t tcp-flags:t icmp-options:t content:t layer7-protocol:t ipsec-policy:t jump-target:t
  reject-with:t address-list:t address-list-timeout:t log:b=no log-prefix:t="" packet-size:t psd:t
  time:t tls-host:t ttl:t hw-offload:b@7<7.22 routing-mark:t dscp:n random:n nth:t
  bytes:n^=0 packets:n^=0 dynamic:b^=no invalid:b^=no disabled:b=no comment:t
/ip/firewall/nat table,ordered
  chain:t* action:t=accept to-addresses:w to-ports:t src-address:w dst-address:w src-address-list:t
  dst-address-list:t protocol:t src-port:t dst-port:t port:t in-interface:t out-interface:t
  in-interface-list:t out-interface-list:t connection-mark:t packet-mark:t dst-address-type:t
  src-address-type:t src-mac-address:t ipsec-policy:t jump-target:t address-list:t
  address-list-timeout:t log:b=no log-prefix:t="" randomise-ports:b@7.10 routing-mark:t limit:t
  bytes:n^=0 packets:n^=0 dynamic:b^=no invalid:b^=no disabled:b=no comment:t
/ip/firewall/address-list table
  list:t* address:t* timeout:T creation-time:t^ dynamic:b^=no disabled:b=no comment:t
/ip/pool table
  name:t#* ranges:t* next-pool:t comment:t@7
/ip/dhcp-client table
  interface:I*# add-default-route:t=yes default-route-distance:n=1 use-peer-dns:t=yes use-peer-ntp:b=yes
  dhcp-options:t=hostname,clientid script:c status:t^=searching... address:t^ gateway:t^
  primary-dns:t^ dynamic:b^=no invalid:b^=no disabled:b=no comment:t
  +release('numbers) +renew('numbers)
/ip/dhcp-server table
  name:t# interface:I* address-pool:t=static-only lease-time:T=10m authoritative:t=yes relay:t
  lease-script:c="" add-arp:b=no dynamic:b^=no invalid:b^=no disabled:b=no comment:t
/ip/dhcp-server/network table
  address:w*# gateway:t="" netmask:n dns-server:t="" ntp-server:t="" domain:t="" comment:t
/ip/dhcp-server/lease table
  address:t mac-address:t client-id:t server:t=all lease-time:T rate-limit:t block-access:b=no
  address-lists:t="" status:t^=waiting host-name:t^ active-address:t^ dynamic:b^=no disabled:b=no
  comment:t
  +make-static('numbers)
/ip/cloud settings
  ddns-enabled:t=no ddns-update-interval:t=none update-time:b=yes public-address:t^ dns-name:t^ status:t^
  +force-update()
/ip/neighbor table,fixed,volatile
  interface:t^ address:t^ mac-address:t^ identity:t^ platform:t^ version:t^ board:t^
/ip/arp table
  address:i* interface:I* mac-address:t published:b=no dynamic:b^=no complete:b^=yes disabled:b=no comment:t
/ppp/profile table
  name:t#* local-address:t remote-address:t dns-server:t bridge:t use-mpls:t=default
  use-compression:t=default use-encryption:t=default only-one:t=default change-tcp-mss:t=default
  use-upnp:t=default address-list:t="" rate-limit:t session-timeout:T idle-timeout:T on-up:c=""
  on-down:c="" default:b^=no comment:t
/ppp/secret table
  name:t#* service:t=any caller-id:t="" password:t% profile:t=default local-address:t
  remote-address:t routes:t="" ipv6-routes:t="" limit-bytes-in:n=0 limit-bytes-out:n=0
  remote-ipv6-prefix:t@7 last-logged-out:t^ last-caller-id:t^ disabled:b=no comment:t
/queue/simple table,ordered
  name:t# target:t parent:t=none packet-marks:t="" priority:t=8/8 queue:t=default-small/default-small
  limit-at:t=0/0 max-limit:t=0/0 burst-limit:t=0/0 burst-threshold:t=0/0 burst-time:t=0s/0s dst:t time:t
  total-max-limit:t total-queue:t=default-small bytes:t^=0/0 dynamic:b^=no invalid:b^=no disabled:b=no
  comment:t
/snmp settings
  enabled:b=no contact:t="" location:t="" engine-id:t<7.10="" engine-id-suffix:t@7.10="" src-address:t=::
  trap-target:t="" trap-community:t=public trap-version:n=1 trap-generators:t=temp-exception vrf:t@7=main
/snmp/community table
  name:t# addresses:t=::/0 security:t=none read-access:b=yes write-access:b=no
  authentication-password:t% encryption-password:t% default:b^=no disabled:b=no comment:t
)";
}

}  // namespace muster::simulator
