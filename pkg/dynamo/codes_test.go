package dynamo_test

import (
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
)

// retryableCodes are the errors of DynamoDB and of what stands before it, none of
// which says anything about the write.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
// https://github.com/aws/aws-sdk-go-v2/issues/1900
func retryableCodes() []string {
	return []string{
		"AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException",
		"IdempotentParameterMismatchException", "IncompleteSignatureException", "InternalFailure",
		"InternalServerError",
		"InvalidSignatureException", "ItemCollectionSizeLimitExceededException", "KMSAccessDeniedException",
		"KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException", "LimitExceededException",
		"MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired", "PolicyNotFoundException",
		"ProvisionedThroughputExceededException", "ReplicatedWriteConflictException", "RequestExpired",
		"RequestLimitExceeded", "ResourceInUseException", "ResourceNotFoundException", "SerializationException",
		"ServiceUnavailable", "SignatureDoesNotMatch", "TableNotFoundException", "ThrottlingException",
		"TransactionConflictException", "TransactionInProgressException", "UnknownOperationException",
		"UnrecognizedClientException",
	}
}

// No code is permanent but that of a refusal, whatever its status: a permanent
// error too many loses a message, a retry too many costs a call.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	writes := map[string]directory.Write{
		"transaction": {LedgerEntry: ledgerEntry("msg_1"), Row: user("u1", "1"), If: directory.IfNewer("1")},
		"entry":       {LedgerEntry: ledgerEntry("msg_1")},
		"row":         {Row: user("u1", "1"), If: directory.IfUnchanged("0")},
	}
	codes := retryableCodes()
	if len(codes) != 34 {
		t.Errorf("%d codes, want all 34", len(codes))
	}
	for _, code := range codes {
		for _, status := range []int{400, 403, 500, 503} {
			for name, w := range writes {
				got, err := tableAnswering(t, status, exception(code)).Write(t.Context(), w)
				if errorKind(err) != "unknown" {
					t.Errorf("%s: Write answered with %d %s = %v, %v, want an unknown outcome",
						name, status, code, got, err)
				}
			}
		}
	}
}

// A reason for which a transaction is canceled is permanent only as a refusal,
// and final only as a failed condition alone, in whichever place it is.
func TestCancellationCodes(t *testing.T) {
	t.Parallel()
	w := directory.Write{
		LedgerEntry: ledgerEntry("msg_1"), Row: user("u1", "1"), If: directory.IfNewer("1"),
		Put: []directory.Row{user("u2", "1")},
	}
	const none, failed = "None", "ConditionalCheckFailed"
	for _, code := range []string{
		"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "AccessDenied", "DuplicateItem",
		"InternalServerError", "TransactionInProgress", "IdempotentParameterMismatch", "SomethingNew",
	} {
		for name, reasons := range map[string][]string{
			"first":                 {code, none, none},
			"second":                {none, code, none},
			"third":                 {none, none, code},
			"everywhere":            {code, code, code},
			"first, newer row":      {code, failed, none},
			"third, newer row":      {none, failed, code},
			"with one more at last": {none, none, none, code},
		} {
			got, err := tableAnswering(t, 400, cancellation(reasons...)).Write(t.Context(), w)
			if errorKind(err) != "unknown" {
				t.Errorf("%s: Write canceled for %q = %v, %v, want an unknown outcome", name, reasons, got, err)
			} else if strings.Contains(err.Error(), canary) {
				t.Errorf("%s: Write = %q, want an error without the item's data", name, err)
			}
		}
	}
}
