// Package signal reads Fluo's signals from the lines of OTLP JSON that the
// collector's file exporter writes.
package signal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strings"
)

// Signal is one log record of Fluo's.
type Signal struct {
	// Event is `fluo.violation` or another of Fluo's event names.
	Event string
	// Body is the sentence for people.
	Body     string
	Severity string
	TraceID  string
	SpanID   string
	// Attributes are those of the record, each value as text; the elements of
	// a list are joined by commas.
	Attributes map[string]string
	// Resource holds the attributes of the resource in the same form.
	Resource map[string]string
}

// Rule is the name of the rule that the signal is about.
func (s Signal) Rule() string { return s.Attributes["fluo.rule.name"] }

// ID is the same for the same facts.
func (s Signal) ID() string { return s.Attributes["fluo.violation.id"] }

// Observed lists the observed values as `name = value`, sorted.
func (s Signal) Observed() []string {
	var observed []string
	for key, value := range s.Attributes {
		if name, ok := strings.CutPrefix(key, "fluo.observed."); ok {
			observed = append(observed, name+" = "+value)
		}
	}
	sort.Strings(observed)
	return observed
}

// Read gives the signals in the first complete lines of a file. A file that
// is not there yet has none.
func Read(path string) ([]Signal, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var signals []Signal
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		batch, err := parse([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		signals = append(signals, batch...)
	}
	return signals, nil
}

func parse(line []byte) ([]Signal, error) {
	var request struct {
		ResourceLogs []struct {
			Resource  struct{ Attributes []attribute }
			ScopeLogs []struct {
				LogRecords []record
			}
		}
	}
	if err := json.Unmarshal(line, &request); err != nil {
		return nil, err
	}
	var signals []Signal
	for _, ofResource := range request.ResourceLogs {
		for _, ofScope := range ofResource.ScopeLogs {
			for _, r := range ofScope.LogRecords {
				signals = append(signals, Signal{
					Event: r.EventName, Body: r.Body.text(), Severity: r.SeverityText, TraceID: r.TraceID, SpanID: r.SpanID,
					Attributes: texts(r.Attributes), Resource: texts(ofResource.Resource.Attributes),
				})
			}
		}
	}
	return signals, nil
}

type record struct {
	EventName, SeverityText, TraceID, SpanID string
	Body                                     value
	Attributes                               []attribute
}

type attribute struct {
	Key   string
	Value value
}

type value struct {
	StringValue *string
	BoolValue   *bool
	IntValue    *json.Number
	DoubleValue *json.Number
	ArrayValue  *struct{ Values []value }
}

func (v value) text() string {
	switch {
	case v.StringValue != nil:
		return *v.StringValue
	case v.BoolValue != nil:
		return fmt.Sprint(*v.BoolValue)
	case v.IntValue != nil:
		return v.IntValue.String()
	case v.DoubleValue != nil:
		return v.DoubleValue.String()
	case v.ArrayValue != nil:
		var elements []string
		for _, element := range v.ArrayValue.Values {
			elements = append(elements, element.text())
		}
		return strings.Join(elements, ", ")
	default:
		return ""
	}
}

func texts(attributes []attribute) map[string]string {
	m := make(map[string]string, len(attributes))
	for _, a := range attributes {
		m[a.Key] = a.Value.text()
	}
	return m
}
