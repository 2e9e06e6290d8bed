// Bundle packs built functions for a release: one zip for each, the same bytes
// from the same commit, whoever builds it and when.
//
//	go run ./cmd/bundle DIR OUT.zip     # DIR/bootstrap -> OUT.zip
package main

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bundle DIR OUT.zip")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "bundle: %v\n", err)
		os.Exit(1)
	}
}

// pack writes dir's bootstrap into a zip, without what differs from build to
// build: times, owners, the order of files.
func pack(dir, out string) (err error) {
	in, err := os.Open(filepath.Join(dir, "bootstrap")) //nolint:gosec // the caller's own folder
	if err != nil {
		return fmt.Errorf("read the function: %w", err)
	}
	defer func() { _ = in.Close() }()
	f, err := os.Create(out) //nolint:gosec // the caller's own file
	if err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("write the bundle: %w", closeErr)
		}
	}()
	z := zip.NewWriter(f)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	if _, err := io.Copy(w, in); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	return nil
}
