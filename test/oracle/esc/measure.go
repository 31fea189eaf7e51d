package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/pulumi/esc"
	"github.com/pulumi/esc/eval"
)

// What bench/esc.ts asks for: the same documents again and again, for this long.
type question struct {
	Documents    loader `json:"documents"`
	Milliseconds int    `json:"milliseconds"`
}

type speed struct {
	Evaluations int     `json:"evaluations"`
	Seconds     float64 `json:"seconds"`
	CPUSeconds  float64 `json:"cpuSeconds"`
}

// Answers each question with how often the documents were read and opened.
func measure() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<26)
	encoder := json.NewEncoder(os.Stdout)
	for input.Scan() {
		var asked question
		if err := json.Unmarshal(input.Bytes(), &asked); err != nil {
			fail(err)
		}
		began := time.Now()
		end := began.Add(time.Duration(asked.Milliseconds) * time.Millisecond)
		cpu := cpuSeconds()
		count := 0
		for ; count == 0 || time.Now().Before(end); count++ {
			openOnce(asked.Documents)
		}
		if err := encoder.Encode(speed{count, time.Since(began).Seconds(), cpuSeconds() - cpu}); err != nil {
			fail(err)
		}
	}
}

// What the process has taken of the processors, all threads.
func cpuSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		fail(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func openOnce(documents loader) {
	env, diags, err := eval.LoadYAMLBytes("env", []byte(documents["env"]))
	if err != nil || diags.HasErrors() {
		fail(fmt.Errorf("the document cannot be read: %v %v", err, diags))
	}
	execution, err := esc.NewExecContext(map[string]esc.Value{})
	if err != nil {
		fail(err)
	}
	opened, diags := eval.EvalEnvironment(context.Background(), "env", env, toyCipher{}, documents, documents, execution)
	if opened == nil || diags.HasErrors() {
		fail(fmt.Errorf("the document has errors: %v", diags))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
