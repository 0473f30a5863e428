// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !fluo_system && !fluo_faults

package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"

/*
#if !__has_include("build_id.go")
#error "build_id.go is missing: run `make lib`"
#endif
*/
import "C"

// expectedBuildID is the build id of the archive that `make lib` put beside this package. Go's build cache does not
// notice a changed archive, so a binary can hold an older one than the tree; comparing the two finds that out.
const expectedBuildID = archiveBuildID
