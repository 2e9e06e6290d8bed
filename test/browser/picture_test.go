package browser_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/clerksync/clerksync/test/program"
)

// TestPicture makes the README's picture, where BROWSER_PICTURE names its file: see `make picture`. Otherwise it holds
// the one that is there to what GitHub shows at once.
func TestPicture(t *testing.T) {
	t.Parallel()
	const maxSize = 200 << 10
	file := os.Getenv("BROWSER_PICTURE")
	if file == "" {
		picture, err := os.ReadFile(filepath.Join(program.Repository(t), "docs", "console.png"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || len(picture) > maxSize {
			t.Errorf("docs/console.png has %d bytes (%v), want a PNG of %d at most: make picture",
				len(picture), err, maxSize)
		}
		return
	}
	s := newSuite(t)
	d := s.start(t, "--demo")
	p := s.open(t, d.ready.ConsoleURL, "/")
	p.do(chromedp.EmulateViewport(1200, 760))
	const late = `[...document.querySelectorAll("#messages [data-outcome=stale] a")]`
	p.until("the week has happened", late+`.length > 1`)
	eval[any](p, late+`.at(-1).click()`)
	p.has("#path")
	p.has(`#live[data-state=live]`)
	eval[any](p, `document.activeElement.blur()`)
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, withPalette(picture)); err != nil {
		t.Fatal(err)
	}
	if out.Len() > maxSize {
		t.Errorf("the picture has %d bytes, want %d at most", out.Len(), maxSize)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// withPalette is the picture in its 256 most frequent colours, which takes a third of the bytes: a page has few, and
// the shades at the edges of letters.
func withPalette(picture image.Image) *image.Paletted {
	count := map[color.Color]int{}
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[picture.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	out := image.NewPaletted(bounds, colours[:min(len(colours), 256)])
	draw.Draw(out, bounds, picture, bounds.Min, draw.Src)
	return out
}
