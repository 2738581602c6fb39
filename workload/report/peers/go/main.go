// The items of `zork-probe` on goroutines. One processor, except where threads are to be woken. See `zork-probe` for what is printed.
package main

import (
	"bufio"
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fail("usage: peer ITEM N")
	}
	n, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		fail("usage: peer ITEM N")
	}
	items := map[string]func(int64) int64{
		"yield": yields, "spawn": spawns, "tasks": tasks, "ping-pong": pingPong, "call-reply": pingPong,
		"stream": stream, "timer": timers, "depth": depth, "call": calls, "wake": wakes, "fan-out 1": fanOut, "fan-out 2": fanOut,
		"ping-pong across": wakes, "stream across": streamBetween,
	}
	switch os.Args[1] {
	case "wake", "fan-out 2", "ping-pong across", "stream across":
		runtime.GOMAXPROCS(2)
	default:
		runtime.GOMAXPROCS(1)
	}
	if os.Args[1] == "live" {
		live(n)
		return
	}
	if os.Args[1] == "random wake" {
		randomWakes(n)
		return
	}
	item, known := items[os.Args[1]]
	if !known {
		fail("peer: " + os.Args[1] + ": no such item")
	}
	before, start := cpu(), time.Now()
	answer := item(n)
	fmt.Println("ok", answer, time.Since(start).Nanoseconds(), cpu()-before)
}

func fail(what string) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(2)
}

func cpu() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func turns(n int64) int64 {
	for i := int64(0); i < n; i++ {
		runtime.Gosched()
	}
	return n
}

func yields(n int64) int64 {
	done := make(chan int64)
	go func() { done <- turns(n / 2) }()
	return turns(n/2) + <-done
}

func spawns(n int64) int64 {
	done, sum := make(chan int64), int64(0)
	for i := int64(0); i < n; i++ {
		go func() { done <- 1 }()
		sum += <-done
	}
	return sum
}

func tasks(n int64) int64 {
	var group sync.WaitGroup
	var sum atomic.Int64
	for i := int64(0); i < n; i++ {
		group.Add(1)
		go func() {
			sum.Add(1)
			group.Done()
		}()
	}
	group.Wait()
	return sum.Load()
}

func pingPong(n int64) int64 {
	there, back := make(chan int64), make(chan int64)
	go func() {
		for request := range there {
			back <- request + 1
		}
	}()
	last := int64(0)
	for i := int64(0); i < n; i++ {
		there <- last
		last = <-back
	}
	return last
}

func stream(n int64) int64 {
	values, count := make(chan int64, 64), int64(0)
	go func() {
		for i := int64(0); i < n; i++ {
			values <- i
		}
		close(values)
	}()
	for range values {
		count++
	}
	return count
}

// A goroutine and one that has an OS thread for itself.
func wakes(n int64) int64 {
	there, back := make(chan int64), make(chan int64)
	go func() {
		runtime.LockOSThread()
		for request := range there {
			back <- request + 1
		}
	}()
	last := int64(0)
	for i := int64(0); i < n; i++ {
		there <- last
		last = <-back
	}
	return last
}

// The same as `stream`, with a sender that has an OS thread for itself: others go to whoever wakes them.
func streamBetween(n int64) int64 {
	values, count := make(chan int64, 64), int64(0)
	go func() {
		runtime.LockOSThread()
		for i := int64(0); i < n; i++ {
			values <- i
		}
		close(values)
	}()
	for range values {
		count++
	}
	return count
}

func timers(n int64) int64 {
	var group sync.WaitGroup
	var sum atomic.Int64
	for i := 0; i < 100; i++ {
		group.Add(1)
		go func() {
			for j := int64(0); j < n/100; j++ {
				time.Sleep(time.Millisecond)
				sum.Add(1)
			}
			group.Done()
		}()
	}
	group.Wait()
	return sum.Load()
}

//go:noinline
func depth(n int64) int64 {
	if n == 0 {
		return 0
	}
	return depth(n-1) + 1
}

type work interface{ work(int64) int64 }
type one struct{}

//go:noinline
func (one) work(x int64) int64 { return x + 1 }

func calls(n int64) int64 {
	objects := []work{one{}, one{}, one{}, one{}}
	x := int64(0)
	for i := int64(0); i < n; i++ {
		x = objects[x&3].work(x)
	}
	return x
}

func resident() int64 {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer file.Close()
	sum := int64(0)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && (fields[0] == "VmRSS:" || fields[0] == "VmPTE:") {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			sum += kib * 1024
		}
	}
	return sum
}

func live(n int64) {
	before, start := resident(), time.Now()
	gate := make(chan struct{})
	var arrived, passed atomic.Int64
	for i := int64(0); i < n; i++ {
		go func() {
			arrived.Add(1)
			<-gate
			passed.Add(1)
		}()
	}
	wait := func(counter *atomic.Int64) {
		for counter.Load() < n {
			runtime.Gosched()
		}
	}
	wait(&arrived)
	with := resident()
	close(gate)
	wait(&passed)
	fmt.Println("ok", passed.Load(), time.Since(start).Nanoseconds(), before, with)
}

// See `unit` and `shuffled` in `zork-probe`.
func unit(seed uint64) int64 {
	x := seed
	for i := 0; i < 10000; i++ {
		x = bits.RotateLeft64(x*0x9e3779b97f4a7c15, 31) ^ seed
	}
	return int64(x&1 | 1)
}

func fanOut(n int64) int64 {
	var group sync.WaitGroup
	var sum atomic.Int64
	for i := int64(0); i < n; i++ {
		group.Add(1)
		go func() {
			sum.Add(unit(uint64(i)))
			group.Done()
		}()
	}
	group.Wait()
	return sum.Load()
}

func shuffled(n int64) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(i)
	}
	x := uint64(0x2545f4914f6cdd1d)
	for i := uint64(n) - 1; i > 0; i-- {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		j := (x >> 32) * (i + 1) >> 32
		all[i], all[j] = all[j], all[i]
	}
	return all
}

func randomWakes(n int64) {
	var arrived, passed atomic.Int64
	gates := make([]chan struct{}, n)
	for i := range gates {
		gate := make(chan struct{})
		gates[i] = gate
		go func() {
			arrived.Add(1)
			<-gate
			passed.Add(1)
		}()
	}
	for arrived.Load() < n {
		runtime.Gosched()
	}
	order := shuffled(n)
	before, start := cpu(), time.Now()
	for _, i := range order {
		close(gates[i])
	}
	for passed.Load() < n {
		runtime.Gosched()
	}
	fmt.Println("ok", passed.Load(), time.Since(start).Nanoseconds(), cpu()-before)
}
