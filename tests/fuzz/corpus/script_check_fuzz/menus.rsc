3/system script add name=a source={ :put [:parse "/system reboot"] }
/ip address
add address=1.1.1.1/24 interface=ether1
set [find where comment~"a"] !comment