// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// inlineName is what diagnostics call the rules of the collector's configuration.
const inlineName = "rules"

var errNoRules = errors.New("at least one rule is needed: set `rule_files` or `rules`")

// sources reads all rules, those in files as they are now.
func (c *Config) sources() ([]engine.Source, error) {
	if len(c.RuleFiles) == 0 && len(c.Rules) == 0 {
		return nil, errNoRules
	}
	paths, err := c.ruleFiles()
	errs := []error{err}
	var sources []engine.Source
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot read rule file: %w", err))
			continue
		}
		sources = append(sources, engine.Source{Name: path, Text: string(text)})
	}
	if len(c.Rules) > 0 {
		sources = append(sources, engine.Source{Name: inlineName, Inline: c.Rules})
	}
	return sources, errors.Join(errs...)
}

// ruleFiles resolves the patterns. A pattern that finds nothing is an error: a typing mistake must not turn rules off.
func (c *Config) ruleFiles() ([]string, error) {
	var (
		paths []string
		errs  []error
	)
	for _, pattern := range c.RuleFiles {
		found, err := filepath.Glob(pattern)
		if err != nil {
			errs = append(errs, fmt.Errorf("`%s` in `rule_files` is not a pattern: %w", pattern, err))
			continue
		}
		found = slices.DeleteFunc(found, isRuleTest)
		if len(found) == 0 {
			errs = append(errs, fmt.Errorf("`%s` in `rule_files` finds no file", pattern))
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	return slices.Compact(paths), errors.Join(errs...)
}

func isRuleTest(path string) bool {
	return strings.HasSuffix(path, ".test.yml") || strings.HasSuffix(path, ".test.yaml")
}

// fingerprint identifies the content of the sources.
func fingerprint(sources []engine.Source) ([sha256.Size]byte, error) {
	text, err := json.Marshal(sources)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("the rules cannot be written as JSON: %w", err)
	}
	return sha256.Sum256(text), nil
}

// compile makes a rule set. The error holds every bad rule's diagnostic, the report the warnings too. The caller closes
// the rule set, which may be nil.
func compile(sources []engine.Source) (*engine.RuleSet, engine.Report, error) {
	rules, report, err := engine.Compile(sources)
	if err != nil {
		return nil, report, ruleErrors(report, err)
	}
	if report.Rules == 0 {
		rules.Close()
		return nil, report, noneIn(sources)
	}
	return rules, report, nil
}

// noneIn says that the sources hold no rules.
func noneIn(sources []engine.Source) error {
	names := make([]string, len(sources))
	for i, source := range sources {
		names[i] = "`" + source.Name + "`"
	}
	return fmt.Errorf("at least one rule is needed, and there is none in %s", strings.Join(names, ", "))
}

func ruleErrors(report engine.Report, err error) error {
	var errs []error
	for _, d := range report.Diagnostics {
		if d.Severity == engine.SeverityError {
			errs = append(errs, &ruleError{d})
		}
	}
	if len(errs) == 0 {
		return err
	}
	return errors.Join(errs...)
}

// ruleError is one bad place of one rule.
type ruleError struct{ diagnostic engine.Diagnostic }

func (e *ruleError) Error() string { return text(e.diagnostic) }

// text is a diagnostic for people.
func text(d engine.Diagnostic) string {
	if d.Rendered != "" {
		return strings.TrimRight(d.Rendered, "\n")
	}
	return fmt.Sprintf("%s[%s]: %s", d.Severity, d.Code, d.Message)
}
