package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"text/template"
	"time"
)

type turn struct {
	Text   string            `json:"text"`
	Data   map[string]string `json:"data"`
	TurnMs int               `json:"turnMs"`
}

// measure answers each turn, a line each, with what the template writes and how often a second.
func measure() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	compiled := map[string]*template.Template{}
	for in.Scan() {
		var asked turn
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if compiled[asked.Text] == nil {
			compiled[asked.Text] = template.Must(template.New("key").Option("missingkey=error").Funcs(functions()).Parse(asked.Text))
		}
		render := func() string {
			var out bytes.Buffer
			if err := compiled[asked.Text].Execute(&out, asked.Data); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return out.String()
		}
		start := time.Now()
		count := 0
		for time.Since(start) < time.Duration(asked.TurnMs)*time.Millisecond {
			for range 50 {
				render()
			}
			count += 50
		}
		answer, _ := json.Marshal(map[string]any{"out": render(), "rate": int(float64(count) / time.Since(start).Seconds())})
		fmt.Println(string(answer))
	}
}
