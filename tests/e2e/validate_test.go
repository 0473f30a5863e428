package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestValidateFindsEveryError puts mistakes into two files and into inline
// rules; one run of `validate` has to name them all.
func TestValidateFindsEveryError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "first.yml"), `
- name: unclosed
  always: trace.has(payment.charge_card
- name: fine
  never: trace.spans.where(service == 'auth').count() > 50
- name: unknown-method
  never: trace.spans.cuont() > 3
`)
	write(t, filepath.Join(dir, "second.yml"), `
- name: unknown-key
  allways: trace.has(payment.charge_card)
- name: bad-kind
  never: trace.has(kind == sever)
`)
	config := write(t, filepath.Join(dir, "collector.yaml"), strings.Replace(minimalConfig, "    rules:\n", `    rule_files: [first.yml, second.yml]
    rules:
      - name: bare-field
        always: amount > 3
`, 1))
	output, status := run(t, dir, nil, otelcol, "validate", "--config", config)
	if status == 0 {
		t.Fatalf("validate found nothing:\n%s", output)
	}
	for _, place := range []string{
		"first.yml:3:", "first.yml:7:", "second.yml:3:", "second.yml:5:", "rules[0]",
	} {
		if !strings.Contains(output, place) {
			t.Errorf("no error at %s", place)
		}
	}
	if strings.Contains(output, "first.yml:5:") || strings.Contains(output, "rules[1]") {
		t.Error("an error in a rule that is right")
	}
	if t.Failed() {
		t.Logf("validate said:\n%s", output)
	}
}

// TestValidateAcceptsTheQuickstart checks every rule file of the example.
func TestValidateAcceptsTheQuickstart(t *testing.T) {
	t.Parallel()
	must(t, quickstart, []string{"FLUO_RULES=rules/*.yml"}, otelcol, "validate", "--config", "collector.yaml")
}
