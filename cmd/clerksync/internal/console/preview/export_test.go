package preview

import (
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/directory"
)

// NewOverlay makes an overlay for tests.
func NewOverlay(below directory.Table, rows *deployment.Rows) directory.Table {
	return newOverlay(below, rows, func() {})
}
