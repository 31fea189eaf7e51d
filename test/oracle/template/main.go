// Records what Go's text/template with Sprig makes of the templates in a file: one case a line, ⏎ for a newline.
//
//	TZ=UTC go run . < cases.txt > ../../../src/core/template/testdata/cases.json
//	TZ=UTC go run . < differences.txt > ../../../src/core/template/testdata/differences.json
//	TZ=UTC go run . < dates.txt > ../../../src/core/template/testdata/dates.json
//	go run . keys > ../../../src/core/template/testdata/keys.json
//	go run . random < cases.jsonl, from scripts/oracle-templates.ts
//	go run . bench, from bench/template.ts
//	go run . check <PKCS#12 in base64> <password>
//
// What External Secrets removes from Sprig or adds to it is treated as it does where the answer needs no code of its own.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

var data = map[string]string{
	"user": "ada", "pass": "s3cret", "empty": "", "csv": "a,b,c", "uni": "héllo wörld ☃",
	"long": "The quick brown fox jumps over the lazy dog", "port": "5432", "num": "42", "b64": "aGVsbG8=",
	"multi": "one\ntwo\nthree", "html": `<a href="x">&'b'</a>`, "json": `{"a":1,"b":{"c":"d"},"l":[1,"x",null],"g":null,"f":1.5}`,
	"arr": `[1,2,"three"]`, "url": "https://ada:pw@db.example.com:8443/a/b?x=1&y=2#frag", "path": "/a//b/../c.txt",
	"snake": "snake_case_name", "camel": "camelCaseName", "dash-key": "dashed", "dot.key": "dotted",
}

type answer struct {
	Text string  `json:"text"`
	Out  *string `json:"out,omitempty"`
	Err  *string `json:"err,omitempty"`
}

func functions() template.FuncMap {
	funcs := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(funcs, name)
	}
	funcs["hexdec"] = func(text string) string {
		decoded, err := hex.DecodeString(text)
		if err != nil {
			return err.Error()
		}
		return string(decoded)
	}
	// External Secrets takes the hash as a third argument; bcrypt is salted, so only the other one can be recorded.
	funcs["htpasswd"] = func(user, password, _ string) string {
		if strings.Contains(user, ":") {
			return "invalid username: " + user
		}
		sum := sha1.Sum([]byte(password))
		return user + ":{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
	}
	funcs["toYaml"] = func(value any) string {
		encoded, err := yaml.Marshal(value)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(encoded), "\n")
	}
	funcs["fromYaml"] = func(text string) map[string]any {
		decoded := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &decoded); err != nil {
			decoded["Error"] = err.Error()
		}
		return decoded
	}
	return funcs
}

func ask(text string) answer {
	return askWith(text, data)
}

func askWith(text string, data map[string]string) (result answer) {
	result.Text = text
	fail := func(err error) { message := err.Error(); result.Err = &message }
	parsed, err := template.New("key").Option("missingkey=error").Funcs(functions()).Parse(text)
	if err != nil {
		fail(err)
		return result
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, data); err != nil {
		fail(err)
		return result
	}
	encoded := base64.StdEncoding.EncodeToString(out.Bytes())
	result.Out = &encoded
	return result
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "keys" {
		recordKeys()
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "random" {
		answerRandom()
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "bench" {
		measure()
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "check" {
		checkStore(os.Args[2], os.Args[3])
		return
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	answers := []string{}
	for in.Scan() {
		line := in.Text()
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		encoded, err := json.Marshal(ask(strings.ReplaceAll(line, `⏎`, "\n")))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answers = append(answers, string(encoded))
	}
	keys, _ := json.Marshal(data)
	fmt.Printf("{\"data\":%s,\n\"cases\":[\n%s\n]}\n", keys, strings.Join(answers, ",\n"))
}
