# Killed commands, monitors and containers, at random moments; tests/stress/container-crash.sh does more of it.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }

@test "whatever is killed, ps tells the truth and rm -f clears" {
    run "$BATS_TEST_DIRNAME/../stress/container-crash.sh" "$CBUILD" "$STORE" 20 7
    expect_status 0
    expect_output "20 rounds went well"
}

@test "records that somebody made nonsense of are told of, and hinder nobody" {
    id=$("$CBUILD" create --network none --name broken busybox true)
    "$CBUILD" create --network none --name whole busybox true >/dev/null
    : >"$STORE/containers/$id/name" # "" means nobody
    cbuild rm -f ""
    expect_output 'cbuild: No such container: '
    printf '{"Status":"flying"}' >"$STORE/containers/$id/state.json"
    cbuild ps -a --format '{{.Names}}'
    expect_status 0
    expect_contains "container \`${id:0:12}\`" 'there is no status `flying`' whole
    printf '[' >"$STORE/containers/$id/config.json"
    cbuild ps -aq
    expect_status 0
    mkdir "$STORE/containers/not-an-id"
    ln -s /etc "$STORE/containers/${id//[0-9]/a}"
    cbuild ps -a --format '{{.Names}}'
    expect_contains whole
    cbuild rm -f whole
    expect_status 0
    cbuild rm -f "$id"
    expect_status 0
    [ ! -e "$STORE/containers/$id" ]
    run "$CBUILD" rm -f "$id" # what is not there is told, and is no failure
    expect_status 0
    expect_output "cbuild: No such container: $id"
}

@test "a monitor that does not answer is killed by rm -f, and tells nobody lies" {
    id=$("$CBUILD" run -d --network none --name stuck busybox sleep 1000)
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    kill -STOP "$monitor"
    cbuild rm -f stuck
    expect_status 0
    wait_until has_ended "$monitor"
    [ ! -e "$STORE/containers/$id" ]
}

@test "a socket that is somebody else's is no monitor" {
    id=$("$CBUILD" run -d --network none --name sock busybox sleep 1000)
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    # One that answers nonsense, in the place of the monitor's.
    rm "$STORE/containers/$id/socket"
    python3 - "$STORE/containers/$id/socket" 3>&- <<'END' &
import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind("socket")
server.listen(8)
for _ in range(2):
    connection, _ = server.accept()
    connection.recv(65536)
    connection.send(b"\x00" * 7)
    connection.close()
END
    wait_until test -S "$STORE/containers/$id/socket"
    cbuild exec sock true
    expect_status 1
    cbuild kill sock
    expect_status 1
    cbuild rm -f sock
    expect_status 0
    wait_until has_ended "$monitor"
}
