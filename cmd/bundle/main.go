// Bundle makes the parts of a release that can be deployed as they are. They have the same bytes each time that a
// commit is built.
//
//	go run ./cmd/bundle zip DIR OUT.zip             # a built function: DIR/bootstrap -> OUT.zip
//	go run ./cmd/bundle template arm64 OUT.yaml     # template.yaml for the bundles that lie beside OUT.yaml
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	err := errUsage
	if len(os.Args) == 4 {
		switch os.Args[1] {
		case "zip":
			err = pack(os.Args[2], os.Args[3])
		case "template":
			err = writeTemplate(os.Args[2], os.Args[3])
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bundle: %v\n", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: bundle zip DIR OUT.zip, or bundle template arm64|x86_64 OUT.yaml")

// pack writes dir's bootstrap into a zip, without what differs from build to build: times, owners, the order of files.
func pack(dir, out string) error {
	bootstrap, err := os.ReadFile(filepath.Join(dir, "bootstrap")) //nolint:gosec // the caller's own folder
	if err != nil {
		return fmt.Errorf("read the function: %w", err)
	}
	var bundle bytes.Buffer
	z := zip.NewWriter(&bundle)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o755) // Lambda runs it
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = w.Write(bootstrap)
	}
	// Closing writes the zip's directory: without it nothing can read the file.
	if err = errors.Join(err, z.Close()); err == nil {
		err = os.WriteFile(out, bundle.Bytes(), 0o644) //nolint:gosec // a release is public
	}
	if err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	return nil
}
