package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Longest time that one case may take: what takes longer has no end, and a Go template cannot be stopped.
const patience = 20 * time.Second

type question struct {
	Text string            `json:"text"`
	Data map[string][]byte `json:"data"`
}

// answerRandom answers questions, a line each, with what Go writes in Base64 or its error.
func answerRandom() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<22)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var asked question
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		data := map[string]string{}
		for key, value := range asked.Data {
			data[key] = string(value)
		}
		watch := time.AfterFunc(patience, func() {
			fmt.Fprintln(os.Stderr, "has no end:", asked.Text)
			os.Exit(1)
		})
		result := askWith(asked.Text, data)
		watch.Stop()
		result.Text = ""
		encoded, _ := json.Marshal(result)
		fmt.Fprintln(out, string(encoded))
	}
}
