// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoconnector

// prepare has nothing to do where every test can run; see its counterpart without cgo.
func prepare() {}
