// Oracle answers questions about Go's behaviour: it reads one JSON object a line from standard input and writes one answer a
// line. The tables it fills are committed, so that tests need no Go. It is run by scripts/record-oracle.ts.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"regexp"
	"strconv"
	"time"
	"unicode"

	"crypto/sha3"

	"github.com/tidwall/gjson"
)

type question struct {
	Op       string            `json:"op"`
	Text     string            `json:"text"`
	Path     string            `json:"path"`
	Pattern  string            `json:"pattern"`
	Template string            `json:"template"`
	Parts    []string          `json:"parts"`
	Data     map[string][]byte `json:"data"`
	Labels   map[string]string `json:"labels"`
	Notes    map[string]string `json:"annotations"`
}

// An answer is null when Go refuses the input.
var answers = map[string]func(question) any{
	"gjson":     askGjson,
	"regexp":    askRegexp,
	"duration":  askDuration,
	"base64":    func(q question) any { return decode(base64.StdEncoding, q.Text) },
	"base64url": func(q question) any { return decode(base64.URLEncoding, q.Text) },
	"join":      func(q question) any { return path.Join(q.Parts...) },
	"clean":     func(q question) any { return path.Clean(q.Text) },
	"members":   askMembers,
	"merge":     askMerge,
	"hash":      func(q question) any { return hash(q.Data) },
	"hashmeta":  askMetadataHash,
	"letters":   askLetters,
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	decoder := json.NewDecoder(in)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for decoder.More() {
		var q question
		if err := decoder.Decode(&q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := encoder.Encode(answer(q)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// A panic of the library is an answer too.
func answer(q question) (result any) {
	defer func() {
		if recover() != nil {
			result = "panic"
		}
	}()
	return answers[q.Op](q)
}

// Kind, raw text and string view, or null when nothing is there.
func askGjson(q question) any {
	result := gjson.Get(q.Text, q.Path)
	if !result.Exists() {
		return nil
	}
	kinds := map[gjson.Type]string{
		gjson.Null: "null", gjson.False: "false", gjson.Number: "number",
		gjson.String: "string", gjson.True: "true", gjson.JSON: "json",
	}
	return []string{kinds[result.Type], result.Raw, result.String()}
}

// Whether it matches, and the text with every match replaced.
func askRegexp(q question) any {
	re, err := regexp.Compile(q.Pattern)
	if err != nil {
		return nil
	}
	return []any{re.MatchString(q.Text), string(re.ReplaceAll([]byte(q.Text), []byte(q.Template)))}
}

// Nanoseconds and Go's own spelling.
func askDuration(q question) any {
	d, err := time.ParseDuration(q.Text)
	if err != nil {
		return nil
	}
	return []string{strconv.FormatInt(int64(d), 10), d.String()}
}

func decode(encoding *base64.Encoding, text string) any {
	decoded, err := encoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return hex.EncodeToString(decoded)
}

// Members of an object as the texts that a Secret gets.
func askMembers(q question) any {
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(q.Text), &raw); err != nil {
		return nil
	}
	members := map[string]string{}
	for name, value := range raw {
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			text = string(value)
		}
		members[name] = text
	}
	return members
}

// An object decoded and written again, with and without HTML escapes, and its numbers without exponents.
func askMerge(q question) any {
	value := map[string]any{}
	if err := json.Unmarshal([]byte(q.Text), &value); err != nil {
		return nil
	}
	safe, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil
	}
	numbers := map[string]string{}
	for name, member := range value {
		if number, ok := member.(float64); ok {
			numbers[name] = strconv.FormatFloat(number, 'f', -1, 64)
		}
	}
	return []any{string(safe), string(bytes.TrimSuffix(plain.Bytes(), []byte("\n"))), numbers}
}

func askMetadataHash(q question) any {
	return hash(struct {
		annotations map[string]string
		labels      map[string]string
	}{q.Notes, q.Labels})
}

func hash(value any) string {
	sum := sha3.Sum224([]byte(fmt.Sprintf("%+v", value)))
	return hex.EncodeToString(sum[:])
}

// First and last code point of every run of letters and numbers.
func askLetters(question) any {
	var runs [][2]rune
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			continue
		}
		if n := len(runs); n > 0 && runs[n-1][1] == r-1 {
			runs[n-1][1] = r
		} else {
			runs = append(runs, [2]rune{r, r})
		}
	}
	return runs
}
