// SPDX-License-Identifier: Apache-2.0

// Uses the engine at DOCKER_HOST through Docker's client library for Go, one subject after the other. Each check that
// fails is a line on standard error, and the exit code.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
)

var (
	ctx    = context.Background()
	api    *client.Client
	failed bool
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func equal(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		fmt.Fprintf(os.Stderr, "%s: got %v, want %v\n", what, got, want)
		failed = true
	}
}

func create(name string, config *container.Config, host *container.HostConfig) string {
	config.Image = "busybox"
	made, err := api.ContainerCreate(ctx, config, host, nil, nil, name)
	must(err, "create "+name)
	return made.ID
}

func remove(id string) {
	must(api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true}), "remove")
}

func split(reader io.Reader) (string, string) {
	var out, err bytes.Buffer
	_, failure := stdcopy.StdCopy(&out, &err, reader)
	must(failure, "frames")
	return out.String(), err.String()
}

// Attach before the start, input and its end, the exit code.
func attach() {
	id := create("", &container.Config{Cmd: []string{"sh", "-c", "cat; echo error >&2; exit 5"}, OpenStdin: true,
		StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true}, nil)
	defer remove(id)
	stream, err := api.ContainerAttach(ctx, id, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	must(err, "attach")
	defer stream.Close()
	media, multiplexed := stream.MediaType()
	equal("media type", media+fmt.Sprint(multiplexed), "application/vnd.docker.multiplexed-streamtrue")
	results, failures := api.ContainerWait(ctx, id, container.WaitConditionNextExit)
	must(api.ContainerStart(ctx, id, container.StartOptions{}), "start")
	_, err = stream.Conn.Write([]byte("through the container\n"))
	must(err, "write")
	must(stream.CloseWrite(), "end of input")
	out, errors := split(stream.Reader)
	equal("attached output", out, "through the container\n")
	equal("attached errors", errors, "error\n")
	select {
	case result := <-results:
		equal("exit code", result.StatusCode, int64(5))
	case err := <-failures:
		must(err, "wait")
	}
}

func logs() {
	id := create("", &container.Config{Cmd: []string{"sh", "-c", "for i in 1 2 3; do echo $i; done; echo e >&2; sleep 0.3; echo end"}}, nil)
	defer remove(id)
	must(api.ContainerStart(ctx, id, container.StartOptions{}), "start")
	follower, err := api.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	must(err, "logs")
	out, errors := split(follower)
	equal("followed", out+errors, "1\n2\n3\nend\ne\n")
	tail, err := api.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, Tail: "1", Timestamps: true})
	must(err, "logs")
	out, _ = split(tail)
	stamp, line, _ := strings.Cut(out, " ")
	_, err = time.Parse(time.RFC3339Nano, stamp)
	must(err, "timestamp")
	equal("tail", line, "end\n")
}

func exec(id string) {
	made, err := api.ContainerExecCreate(ctx, id, container.ExecOptions{Cmd: []string{"sh", "-c", "cat; echo $A >&2; exit 3"},
		AttachStdin: true, AttachStdout: true, AttachStderr: true, Env: []string{"A=b"}})
	must(err, "exec create")
	stream, err := api.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	must(err, "exec start")
	defer stream.Close()
	_, err = stream.Conn.Write([]byte("input"))
	must(err, "write")
	must(stream.CloseWrite(), "end of input")
	out, errors := split(stream.Reader)
	equal("exec", out+errors, "inputb\n")
	state, err := api.ContainerExecInspect(ctx, made.ID)
	must(err, "exec inspect")
	equal("exec's code", state.ExitCode, 3)
	equal("exec runs", state.Running, false)
}

func terminal() {
	id := create("", &container.Config{Cmd: []string{"sh"}, Tty: true, OpenStdin: true}, nil)
	defer remove(id)
	must(api.ContainerStart(ctx, id, container.StartOptions{}), "start")
	stream, err := api.ContainerAttach(ctx, id, container.AttachOptions{Stream: true, Stdin: true, Stdout: true})
	must(err, "attach")
	defer stream.Close()
	must(api.ContainerResize(ctx, id, container.ResizeOptions{Height: 41, Width: 101}), "resize")
	_, err = stream.Conn.Write([]byte("stty size; exit\n"))
	must(err, "write")
	screen, err := io.ReadAll(stream.Reader)
	must(err, "read")
	equal("size on the screen", strings.Contains(string(screen), "41 101"), true)
}

func stats(id string) {
	reply, err := api.ContainerStats(ctx, id, true)
	must(err, "stats")
	defer reply.Body.Close()
	decoder := json.NewDecoder(reply.Body)
	for i := 0; i < 2; i++ {
		var sample container.StatsResponse
		must(decoder.Decode(&sample), "sample")
		equal("sample's id", sample.ID, id)
		equal("memory is used", sample.MemoryStats.Usage > 0, true)
		equal("one process", sample.PidsStats.Current, uint64(1))
	}
	reply, err = api.ContainerStatsOneShot(ctx, id)
	must(err, "one shot")
	reply.Body.Close()
}

func files(id string) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	must(writer.WriteHeader(&tar.Header{Name: "note", Mode: 0o640, Size: 4}), "header")
	_, err := writer.Write([]byte("text"))
	must(err, "tar")
	must(writer.Close(), "tar")
	must(api.CopyToContainer(ctx, id, "/tmp", &archive, container.CopyToContainerOptions{}), "copy to")
	reader, stat, err := api.CopyFromContainer(ctx, id, "/tmp/note")
	must(err, "copy from")
	defer reader.Close()
	equal("stat", fmt.Sprint(stat.Name, stat.Size, stat.Mode), "note4 -rw-r-----")
	content := tar.NewReader(reader)
	_, err = content.Next()
	must(err, "entry")
	text, err := io.ReadAll(content)
	must(err, "read")
	equal("copied", string(text), "text")
	_, err = api.ContainerStatPath(ctx, id, "/none")
	equal("missing file", client.IsErrNotFound(err), true)
	changes, err := api.ContainerDiff(ctx, id)
	must(err, "diff")
	equal("a change", changes[len(changes)-1].Path, "/tmp/note")
}

func update(id string) {
	_, err := api.ContainerUpdate(ctx, id, container.UpdateConfig{Resources: container.Resources{Memory: 64 << 20, MemorySwap: 128 << 20},
		RestartPolicy: container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 2}})
	must(err, "update")
	state, err := api.ContainerInspect(ctx, id)
	must(err, "inspect")
	equal("memory", state.HostConfig.Memory, int64(64<<20))
	equal("policy", fmt.Sprint(state.HostConfig.RestartPolicy), "{on-failure 2}")
	must(api.ContainerRename(ctx, id, "renamed"), "rename")
	must(api.ContainerPause(ctx, id), "pause")
	state, err = api.ContainerInspect(ctx, "renamed")
	must(err, "inspect")
	equal("paused", state.State.Status, "paused")
	must(api.ContainerUnpause(ctx, id), "unpause")
	top, err := api.ContainerTop(ctx, id, []string{"-o", "pid,comm"})
	must(err, "top")
	equal("top", top.Titles, []string{"PID", "COMMAND"})
}

func happened(since time.Time, id string) {
	messages, failures := api.Events(ctx, events.ListOptions{Since: since.Format(time.RFC3339Nano),
		Until: time.Now().Format(time.RFC3339Nano), Filters: filters.NewArgs(filters.Arg("container", id))})
	var actions []string
	for {
		select {
		case message := <-messages:
			if message.Type == events.ContainerEventType && !strings.HasPrefix(string(message.Action), "exec_") {
				actions = append(actions, string(message.Action))
			}
			continue
		case err := <-failures:
			if err != io.EOF {
				must(err, "events")
			}
		}
		break
	}
	equal("events", strings.Join(actions, " "), "create start extract-to-dir archive-path update rename pause unpause top kill die stop")
}

func networksAndVolumes() {
	made, err := api.NetworkCreate(ctx, "gonet", network.CreateOptions{Labels: map[string]string{"a": "b"}})
	must(err, "network create")
	_, err = api.VolumeCreate(ctx, volume.CreateOptions{Name: "govol"})
	must(err, "volume create")
	id := create("gonetted", &container.Config{Cmd: []string{"sleep", "60"}}, &container.HostConfig{Binds: []string{"govol:/v"}})
	must(api.NetworkConnect(ctx, made.ID, id, &network.EndpointSettings{Aliases: []string{"alias"}}), "connect")
	must(api.ContainerStart(ctx, id, container.StartOptions{}), "start")
	inside, err := api.NetworkInspect(ctx, "gonet", network.InspectOptions{})
	must(err, "network inspect")
	equal("name in the network", inside.Containers[id].Name, "gonetted")
	err = api.VolumeRemove(ctx, "govol", false)
	equal("volume in use", err != nil && strings.Contains(err.Error(), "volume is in use"), true)
	remove(id)
	must(api.NetworkRemove(ctx, "gonet"), "network remove")
	must(api.VolumeRemove(ctx, "govol", false), "volume remove")
}

func prune() {
	id := create("", &container.Config{Cmd: []string{"true"}, Labels: map[string]string{"prune": "me"}}, nil)
	report, err := api.ContainersPrune(ctx, filters.NewArgs(filters.Arg("label", "prune=me")))
	must(err, "prune")
	equal("pruned", report.ContainersDeleted, []string{id})
	list, err := api.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("id", id))})
	must(err, "list")
	equal("gone", len(list), 0)
}

func main() {
	var err error
	api, err = client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	must(err, "client")
	_, err = api.Ping(ctx)
	must(err, "ping")
	attach()
	logs()
	terminal()
	since := time.Now()
	id := create("", &container.Config{Cmd: []string{"sleep", "600"}, StopSignal: "KILL"}, nil)
	must(api.ContainerStart(ctx, id, container.StartOptions{}), "start")
	exec(id)
	stats(id)
	files(id)
	update(id)
	must(api.ContainerStop(ctx, id, container.StopOptions{}), "stop")
	happened(since, id)
	remove(id)
	networksAndVolumes()
	prune()
	if failed {
		os.Exit(1)
	}
	fmt.Println("all is well with", api.ClientVersion())
}
