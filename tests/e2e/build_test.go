package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
)

// builder is the collector builder that `make` installed.
func builder(t *testing.T) string {
	t.Helper()
	path := os.Getenv("OCB")
	if path == "" {
		t.Fatal("OCB is not set: run `make test-e2e`")
	}
	return path
}

// ocb builds a collector in dir from a manifest and gives the path of the
// program.
func ocb(t *testing.T, dir, manifest string) string {
	t.Helper()
	config := write(t, filepath.Join(dir, "builder.yaml"), manifest)
	must(t, dir, nil, builder(t), "--config", config)
	name := regexp.MustCompile(`(?m)^  name: (\S+)$`).FindStringSubmatch(manifest)
	return filepath.Join(dir, "dist", name[1])
}

// quickstartManifest is the quickstart's manifest for use in any folder.
func quickstartManifest(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(quickstart, "builder.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return inClone(string(text), "../../go-shim")
}

// inClone makes a manifest's path to the Go module absolute.
func inClone(manifest, path string) string {
	return strings.ReplaceAll(manifest, "path: "+path, "path: "+filepath.Join(repository, "go-shim"))
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(dist:.*?)```")

func readmeManifest(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(quickstart, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := yamlBlock.FindSubmatch(text)
	if block == nil {
		t.Fatal("the README has no manifest")
	}
	return inClone(string(block[1]), "../fluo/go-shim")
}

const minimalConfig = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
connectors:
  fluo:
    rules:
      - name: payment-needs-fraud-check
        always: trace.has(payment.charge_card) and trace.has(payment.fraud_check)
exporters: {debug: {}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [fluo]}
    logs: {receivers: [fluo], exporters: [debug]}
`

// TestReadmeManifest builds the README's own collector in an empty folder.
func TestReadmeManifest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := ocb(t, dir, readmeManifest(t))
	config := write(t, filepath.Join(dir, "collector.yaml"), minimalConfig)
	must(t, dir, nil, binary, "validate", "--config", config)
}

// TestWithoutCgo builds the same collector with cgo left off, which compiles
// and then says what is wrong.
func TestWithoutCgo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := ocb(t, dir, strings.Replace(readmeManifest(t), "  cgo_enabled: true\n", "", 1))
	config := write(t, filepath.Join(dir, "collector.yaml"), minimalConfig)
	output, status := run(t, dir, nil, binary, "validate", "--config", config)
	if status == 0 || !strings.Contains(output, "built without cgo") || !strings.Contains(output, "cgo_enabled: true") {
		t.Errorf("validate ended with %d:\n%s", status, output)
	}
}

var buildID = regexp.MustCompile(`"engine_build": "([0-9a-f]+)"`)

// TestChangedEngine builds a clone, lowers a limit in its Rust sources and
// builds it again. Go's build cache does not notice a changed archive by
// itself; the collector must hold the new one nevertheless.
func TestChangedEngine(t *testing.T) {
	t.Parallel()
	clone := filepath.Join(t.TempDir(), "fluo")
	copySources(t, clone)
	env := []string{
		"CARGO_TARGET_DIR=" + filepath.Join(repository, "target", "e2e"),
		// The test is about which archive is linked, not about its speed.
		"CARGO_PROFILE_RELEASE_LTO=off", "CARGO_PROFILE_RELEASE_OPT_LEVEL=0", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16",
	}
	first := builtFrom(t, clone, env)
	if again := builtFrom(t, clone, env); again != first {
		t.Errorf("the same sources gave builds %s and %s", first, again)
	}

	nested := write(t, filepath.Join(clone, "nested.yml"),
		"- name: nested\n  never: "+strings.Repeat("(", 40)+"trace.has(payment.charge_card)"+strings.Repeat(")", 40)+"\n")
	validate := []string{"validate", "--config", filepath.Join(quickstart, "collector.yaml")}
	if output, status := run(t, clone, []string{"FLUO_RULES=" + nested}, built(clone), validate...); status != 0 {
		t.Fatalf("a rule within the limits is refused:\n%s", output)
	}

	limits := filepath.Join(clone, "rust", "fluo-lang", "src", "limits.rs")
	text, err := os.ReadFile(limits)
	if err != nil {
		t.Fatal(err)
	}
	lowered := strings.Replace(string(text), "nesting: 128,", "nesting: 30,", 1)
	if lowered == string(text) {
		t.Fatal("the limit is not where this test looks for it")
	}
	write(t, limits, lowered)
	if second := builtFrom(t, clone, env); second == first {
		t.Errorf("the collector still says that its engine is build %s", first)
	}
	if output, status := run(t, clone, []string{"FLUO_RULES=" + nested}, built(clone), validate...); status == 0 {
		t.Errorf("the collector holds the engine with the old limit:\n%s", output)
	}
}

// built is the collector that `make collector` builds in a clone.
func built(clone string) string {
	return filepath.Join(clone, "examples", "quickstart", "dist", "otelcol-fluo")
}

// builtFrom makes the collector of a clone and gives the build id that it
// prints when it starts.
func builtFrom(t *testing.T, clone string, env []string) string {
	t.Helper()
	must(t, clone, env, "make", "collector")
	c := start(t, "", collector.Options{Binary: built(clone)})
	stop(t, c)
	id := buildID.FindStringSubmatch(c.Log())
	if id == nil {
		t.Fatalf("the collector does not print its engine's build id:\n%s", c.Log())
	}
	return id[1]
}

// copySources copies what is or may become part of the repository, and the
// builder, which need not be installed twice.
func copySources(t *testing.T, clone string) {
	t.Helper()
	listed := must(t, repository, nil, "git", "ls-files", "--cached", "--others", "--exclude-standard")
	for path := range strings.Lines(listed) {
		path = strings.TrimSuffix(path, "\n")
		text, err := os.ReadFile(filepath.Join(repository, path))
		if os.IsNotExist(err) {
			continue // removed, but not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		copyFile(t, filepath.Join(clone, path), text)
	}
	text, err := os.ReadFile(builder(t))
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(clone, ".bin", filepath.Base(builder(t))), text)
}

func copyFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
}

// program is the path of the command line, which `make cli` builds.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(repository, "target", "release", "fluo")
	if dir := os.Getenv("CARGO_TARGET_DIR"); dir != "" {
		path = filepath.Join(dir, "release", "fluo")
	}
	if _, err := exec.LookPath(path); err != nil {
		t.Fatalf("%v: run `make cli`", err)
	}
	return path
}
