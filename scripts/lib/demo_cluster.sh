# Sourced by scripts/demo --cluster: three musterd on three members of etcd, two edges. While a job runs on all
# routers the node that ticks and a member of etcd are killed; nothing may be lost, and both are put back.
say "Muster demo: 3 control planes on 3 members of etcd, 2 edges, $routers simulated routers of five RouterOS families"
[ "$routers" -ge 10 ] || die "--cluster wants at least 10 routers"
setup_packages
step "build (preset dev)" configure_and_build dev musterd muster-edge muster muster-sim
begin_demo demo-cluster
mapfile -t ports < <(free_ports 14)
clients=("${ports[@]:0:3}") peers=("${ports[@]:3:3}") apis=("${ports[@]:6:3}") listeners=("${ports[@]:9:3}")
member_pids=() node_pids=()
# each FORMAT PORT...: one text for each port, with commas between.
each() { local format=$1 text; shift; text=$(printf "$format," "$@"); printf '%s' "${text%,}"; }

launch_member() {
  local client=http://127.0.0.1:${clients[$1]} peer=http://127.0.0.1:${peers[$1]}
  launch "etcd-$1" env -u ETCD_NAME etcd --name "m$1" --data-dir "$work/etcd-$1.data" --listen-client-urls "$client" \
    --advertise-client-urls "$client" --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
    --initial-cluster "m0=http://127.0.0.1:${peers[0]},m1=http://127.0.0.1:${peers[1]},m2=http://127.0.0.1:${peers[2]}" \
    --initial-cluster-state new
  member_pids[$1]=$launched_pid
}
await_member() { await "etcd-$1" "${member_pids[$1]}" 'ready to serve client requests' 1; }
# All before the first is waited for: one alone is not ready.
start_members() {
  for i in 0 1 2; do launch_member $i; done
  for i in 0 1 2; do await_member $i || return; done
}
start_node() {
  start "musterd-$1" '^ready:' 3 "$bin/musterd" --data-dir "$work/control-$1" --node-name "node-$1" \
    --master-key-file "$work/master-key" --etcd "$(each 'http://127.0.0.1:%s' "${clients[@]}")" \
    --listen "127.0.0.1:${apis[$1]}" --listen-edge "127.0.0.1:${listeners[$1]}" --metrics 127.0.0.1:0 || return
  node_pids[$1]=$launched_pid
}
start_nodes() { for i in 0 1 2; do start_node $i || return; done; }
start_edges() {
  start_edge west "${ports[12]}" "${controls[@]}" && start_edge east "${ports[13]}" "${controls[@]}"
}
paste_lines() {
  start_routers sim-west west $((routers / 2)) 1 && start_routers sim-east east $((routers - routers / 2)) 2
}
through() { local node=$1; shift; MUSTER_SERVER=127.0.0.1:${apis[$node]} muster "$@"; }

# of_status EXPRESSION: of the nodes as any of them shows them; Python, over `nodes`.
of_status() {
  muster cluster status -o json 2>/dev/null | python3 -c "import json, sys; nodes = json.load(sys.stdin); print($1)"
}
# The number of the node that ticks.
ticking() { of_status 'next((n["displayName"][-1] for n in nodes if n.get("ticking") and not n.get("silent")), "")'; }
serving() { of_status 'sum(n["state"] == "NODE_STATE_SERVING" and not n.get("silent") for n in nodes)'; }
# wait_until TEXT SECONDS COMMAND...: until it prints TEXT.
wait_until() {
  local text=$1 deadline=$((SECONDS + $2)); shift 2
  until [ "$("$@" 2>/dev/null)" = "$text" ]; do
    [ $SECONDS -lt $deadline ] || { echo "$* says \"$("$@" 2>&1)\", not \"$text\""; return 1; }
    pause 0.2
  done
}
wait_ticking() { wait_until yes 20 one_ticks; }
one_ticks() { [ -n "$(ticking)" ] && echo yes; }
# of_job JOB EXPRESSION: of its targets; Python, over `targets`.
of_job() {
  muster job get "$1" --targets -o json | python3 -c "import json, sys; targets = json.load(sys.stdin); print($2)"
}
succeeded() { of_job "$1" 'sum(t["state"] == "JOB_TARGET_STATE_SUCCEEDED" for t in targets)'; }
some_succeeded() { [ "$(succeeded "$job")" -ge 5 ] && echo yes; }
# The shell would tell of them itself.
kill_hard() { kill -9 "$@" && wait "$@" || true; } 2>/dev/null
show_status() { say; say "\$ muster cluster status"; muster cluster status; }

step "start 3 members of etcd" start_members
step "start 3 control planes" start_nodes
use_installation "$work/control-0" "$(each '127.0.0.1:%s' "${apis[@]}")"
mapfile -t controls < <(printf '127.0.0.1:%s\n' "${listeners[@]}")
step "start 2 edges and let them join" start_edges
step "paste one line into $routers routers" paste_lines
step "wait until all are online" wait_online "$routers"
step "wait until all nodes serve and one ticks" eval 'wait_until 3 20 serving && wait_ticking'
show_status

say
say "\$ muster job run --where 'labels.fleet = \"demo\"' --script-file change.rsc --batch 10 --wait --yes"
cat >"$work/change.rsc" <<'RSC'
/ip address add address=192.0.2.1/32 interface=ether1 comment="muster cluster demo"
:put ("done on " . [/system identity get name])
RSC
job=$(muster job run --where 'labels.fleet = "demo"' --script-file "$work/change.rsc" --batch 10 --yes -o name \
  2>"$work/run.err") || { cat "$work/run.err" >&2; die "the job could not be made"; }
tail -2 "$work/run.err" >&2
muster job watch "$job" >"$work/watch.out" 2>&1 &
watch=$!
pids=("$watch" "${pids[@]}")
wait_until yes 60 some_succeeded
node=$(ticking)
member=$((RANDOM % 3))
before=$(succeeded "$job")
kill_hard "${node_pids[$node]}" "${member_pids[$member]}"
say "When $before of $routers routers had done it: kill -9 of node-$node, which ticked, and of member m$member of etcd."
[ "$before" -lt "$routers" ] || die "the job was over before anything was killed"
wait "$watch" || { cat "$work/watch.out" >&2; die "the watch of the job did not end well"; }
tail -1 "$work/watch.out" >&2
silent() { of_status '[n["displayName"] for n in nodes if n.get("silent")]'; }
step "wait until node-$node is known to be silent" wait_until "['node-$node']" 30 silent
show_status

# What must hold whatever was killed.
say
proof() {
  local name=$1 expected=$2 found; shift 2
  found=$("$@") || die "$name: the question failed"
  [ "$found" = "$expected" ] || die "$name: \"$found\", not \"$expected\""
  say "$name: $found"
}
each_count="{t['device']: 0 for t in targets}.__len__()"
proof "routers that have done the job" "$routers" succeeded "$job"
proof "routers in the list of targets, each once" "$routers" of_job "$job" "$each_count"
proof "most attempts on one router" 1 of_job "$job" 'max(t.get("attempt", 1) for t in targets)'
# RouterOS 6 sends no output of a script, so the script fails where it is not so.
cat >"$work/count.rsc" <<'RSC'
:local times [:len [/ip address find where comment="muster cluster demo"]]
:if ($times != 1) do={:error "it ran $times times"}
RSC
count=$(muster job run --where 'labels.fleet = "demo"' --script-file "$work/count.rsc" --yes -o name 2>/dev/null)
muster job watch "$count" >"$work/count.out" 2>&1 || { cat "$work/count.out" >&2; die "not every router did it once"; }
proof "routers that say that they did it exactly once" "$routers" succeeded "$count"

start_again() { start_node "$node" && launch_member "$member" && await_member "$member" && wait_until 3 30 serving; }
say
step "start node-$node and member m$member again" start_again
agreeing() {
  for i in 0 1 2; do
    { through $i job get "$job" --targets -o json && through $i device list --limit 0 -o name &&
      through $i audit list --limit 0 -o json; } | sha256sum
  done | sort | uniq -c | awk '$1 > most { most = $1 } END { print most }'
}
proof "nodes that agree on the job, the devices and the audit" 3 agreeing
show_status
say
say "All of it took $((SECONDS - started)) s."
[ -n "$once" ] || leave_running "cluster status"
