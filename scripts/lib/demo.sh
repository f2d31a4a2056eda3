# Sourced by the demos, after setup.sh: programs in the background that end with the demo, in a folder that is made
# anew by each run. Sets bin, work and pids.

# begin_demo NAME: ends what a demo of that name that was killed has left, and makes its folder.
begin_demo() {
  bin=$MUSTER_ROOT/build/dev/bin
  work=$MUSTER_ROOT/build/$1
  pids=()
  trap stop_all EXIT
  # The programs of a demo that was killed hold the folder that is made anew here.
  if [ -f "$work/pids" ]; then
    local pid
    while read -r pid; do
      if grep -qsaF "$work/" "/proc/$pid/cmdline"; then kill -9 "$pid" || true; fi
    done <"$work/pids"
  fi
  rm -rf "$work" && mkdir -p -m 700 "$work" && : >"$work/pids"
}
stop_all() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
}
# pause SECONDS: without a program of its own.
pause() { read -rt "$1" <> <(:) || true; }

# launch NAME COMMAND...: in the background. Its pid is in launched_pid.
launch() {
  local name=$1; shift
  "$@" >"$work/$name.out" 2>"$work/$name.err" &
  launched_pid=$!
  pids=("$launched_pid" "${pids[@]}")
  echo "$launched_pid" >>"$work/pids"
}
# await NAME PID PATTERN COUNT: until that many lines that it wrote match, 30 s at most.
await() {
  local deadline=$((SECONDS + 30))
  until [ "$(cat "$work/$1.out" "$work/$1.err" | grep -c "$3")" -ge "$4" ]; do
    kill -0 "$2" 2>/dev/null || { tail -5 "$work/$1.err" >&2; return 1; }
    [ $SECONDS -lt $deadline ] || { echo "$1 said no \"$3\" within 30 s" >&2; return 1; }
    pause 0.1
  done
}
# start NAME PATTERN COUNT COMMAND...: launch and await.
start() {
  local name=$1 pattern=$2 count=$3; shift 3
  launch "$name" "$@"
  await "$name" "$launched_pid" "$pattern" "$count"
}
address_of() { sed -n "s/^ready: $2 //p" "$work/$1.out"; }
# free_ports COUNT: so many that nobody uses, one a line; none from the range of outgoing connections, which
# could take one before its program does.
free_ports() {
  python3 -c 'import random, socket, sys
outgoing = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
def unused(port):
    with socket.socket() as s: return s.connect_ex(("127.0.0.1", port)) != 0
ports = filter(unused, random.sample(range(10000, outgoing if outgoing > 11000 else 65536), 1000))
for _ in range(int(sys.argv[1])): print(next(ports))' "$1"
}
muster() { "$bin/muster" "$@"; }

# use_installation DATA-DIR SERVERS: what the client takes from the environment.
use_installation() {
  export MUSTER_SERVER=$2 MUSTER_CA_FILE=$1/pki/cluster-ca.pem
  export MUSTER_API_KEY_FILE=$1/root-key MUSTER_ORGANIZATION=default
  export XDG_CONFIG_HOME=$work/config
}

# start_edge NAME PORT CONTROL...: makes it and lets it join; CONTROL are musterd's addresses for edges.
start_edge() {
  local name=$1 port=$2 control words=(); shift 2
  for control in "$@"; do words+=(--control "$control"); done
  (umask 077 && muster edge create "$name" --url "https://localhost:$port" >"$work/$name.join")
  start "edge-$name" '^ready: https' 1 "$bin/muster-edge" --data-dir "$work/edge-$name" "${words[@]}" \
    --join-file "$work/$name.join" --listen "127.0.0.1:$port" --public-url "https://localhost:$port" \
    --metrics 127.0.0.1:0
}
# start_routers NAME EDGE COUNT SEED: pastes one line into so many simulated routers.
start_routers() {
  (umask 077 && muster claim create --edge "$2" --site demo --label fleet=demo --max-devices "$3" >"$work/$1.line")
  start "$1" '^ready:' 1 "$bin/muster-sim" --bootstrap-file "$work/$1.line" --count "$3" \
    --interval 2s --versions 6.49.10,7.8,7.12.2,7.15.3,7.20.8 --seed "$4"
}
online_count() { muster device list --where 'online = true' --limit 0 -o name 2>/dev/null | grep -c . || true; }
# wait_online COUNT: until so many routers are online, 90 s at most.
wait_online() {
  local deadline=$((SECONDS + 90))
  until [ "$(online_count)" -ge "$1" ]; do
    [ $SECONDS -lt $deadline ] || { echo "only $(online_count) of $1 routers are online after 90 s"; return 1; }
    pause 0.5
  done
}
# leave_running COMMAND: says how to try it from another terminal, and waits for Ctrl-C.
leave_running() {
  say
  say "All of it is running. Try it from another terminal:"
  say "  export MUSTER_SERVER=$MUSTER_SERVER MUSTER_CA_FILE=$MUSTER_CA_FILE MUSTER_API_KEY_FILE=$MUSTER_API_KEY_FILE"
  say "  $bin/muster $1"
  say "Ctrl-C ends it."
  wait || true
}
