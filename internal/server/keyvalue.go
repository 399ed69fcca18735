package server

import (
	"fmt"
	"os"
	"strings"
)

// KeyValue is one "key = value" line of a file of settings.
type KeyValue struct {
	Key, Value string
	Line       int
}

// ReadKeyValues reads a file of "key = value" lines. Empty lines and lines that start with # are skipped; a # later
// in a line belongs to the value. A key that stands twice is an error.
func ReadKeyValues(file string) (pairs []KeyValue, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	seen := map[string]int{}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || key == "" {
			return nil, fmt.Errorf("%s:%d: want key = value", file, n)
		}
		if first, ok := seen[key]; ok {
			return nil, fmt.Errorf("%s:%d: %s stands in line %d already", file, n, key, first)
		}
		seen[key] = n
		pairs = append(pairs, KeyValue{key, value, n})
	}
	return pairs, nil
}
