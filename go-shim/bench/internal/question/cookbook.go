// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package question // import "github.com/fluo-otel/fluo/go-shim/bench/internal/question"

import (
	"bytes"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// Cookbook reads the rules of all examples of a page of the documentation, those left out by name excepted.
func Cookbook(page string, without ...string) ([]map[string]any, error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	left := map[any]bool{}
	for _, name := range without {
		left[name] = true
	}
	var rules []map[string]any
	for _, block := range bytes.Split(text, []byte("\n```yaml test\n"))[1:] {
		block, _, closed := bytes.Cut(block, []byte("\n```"))
		var file struct {
			Rules []map[string]any `yaml:"rules"`
		}
		if err := yaml.Unmarshal(block, &file); err != nil || !closed {
			return nil, fmt.Errorf("cannot read an example of `%s`: %w", page, err)
		}
		for _, r := range file.Rules {
			if !left[r["name"]] {
				rules = append(rules, r)
			}
		}
	}
	if len(rules) == 0 {
		return nil, fmt.Errorf("there are no rules in `%s`", page)
	}
	return rules, nil
}
