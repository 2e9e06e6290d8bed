package signature

// Cause names what is wrong, for programs. The names are stable.
type Cause string

// Causes.
const (
	// In secrets.
	AnotherSecret   Cause = "another_secret"
	SecretMalformed Cause = "secret_malformed"
	TextAsKey       Cause = "text_as_key"

	// In headers.
	HeaderMissing       Cause = "header_missing"
	HeaderRenamed       Cause = "header_renamed"
	HeaderAltered       Cause = "header_altered"
	HeadersMixed        Cause = "headers_mixed"
	OtherID             Cause = "other_id"
	OtherTimestamp      Cause = "other_timestamp"
	OtherSignature      Cause = "other_signature"
	TimestampMalformed  Cause = "timestamp_malformed"
	Clock               Cause = "clock"
	SignatureHex        Cause = "signature_hex"
	SignatureBase64     Cause = "signature_base64"
	SignatureBare       Cause = "signature_without_version"
	SignatureAsymmetric Cause = "signature_asymmetric"
	SignatureMalformed  Cause = "signature_malformed"
	LaterSignature      Cause = "later_signature"

	// In bodies.
	BodyReserialised  Cause = "body_reserialised"
	BodyEscaped       Cause = "body_escaped"
	BodyQuoted        Cause = "body_quoted"
	BodyLineEndings   Cause = "body_line_endings"
	BodyNewlineAdded  Cause = "body_newline_added"
	BodyNewlineLost   Cause = "body_newline_lost"
	BodySpaceAdded    Cause = "body_space_added"
	BodyByteOrderMark Cause = "body_byte_order_mark"
	BodyBase64Left    Cause = "body_base64_left"
	BodyBase64Undone  Cause = "body_base64_undone"
	BodyEncoding      Cause = "body_encoding"
	BodyDecoded       Cause = "body_decoded"
	BodyFormEncoded   Cause = "body_form_encoded"
	BodyEmpty         Cause = "body_empty"
	BodyLength        Cause = "body_length"
)

// advice says what to do about a cause.
func (c Cause) advice() string {
	const rawBytes = "Verify the raw bytes, before anything parses them: express.raw() in Express, " +
		"await request.text() in Next.js, the event's body in Lambda."
	switch c {
	case AnotherSecret:
		return "Each endpoint in Clerk's dashboard has its own secret, and so has each instance. Give the endpoint " +
			"the secret of its own page; while one replaces another, give it both, separated by a comma."
	case SecretMalformed:
		return "Copy the secret again from Clerk's dashboard, Webhooks, the endpoint, Signing Secret: from whsec_ to " +
			"its end and nothing else. clerksync secret set keeps it, clerksync secret check looks at it."
	case TextAsKey:
		return "The key is what base64 of the part after whsec_ decodes to, not the text. Correct who signs."
	case HeaderMissing:
		return "Let svix-id, svix-timestamp and svix-signature through every proxy on the way."
	case HeaderRenamed, HeaderAltered, TimestampMalformed:
		return "Pass the header on as it was sent."
	case HeadersMixed, OtherID, OtherTimestamp, OtherSignature:
		return "Take id, timestamp and signature from the headers of one and the same request, and log them together."
	case Clock:
		return "Set the clock by NTP. If the request was recorded, give the time at which it arrived with --at: a " +
			"signature is good for 5 minutes, which is what stops a replay. Let Svix send it again from the dashboard."
	case SignatureHex, SignatureBase64, SignatureBare, SignatureMalformed:
		return "The program that signs must send v1, and the padded standard base64 of the HMAC-SHA256, as Svix does."
	case SignatureAsymmetric:
		return "Clerk signs with v1, a shared secret. Is the request Clerk's?"
	case LaterSignature:
		return "While a secret is rotated Svix sends a signature for the old and the new one: a verifier must try " +
			"each. clerksync does."
	case BodyLineEndings, BodyNewlineAdded, BodyNewlineLost, BodyByteOrderMark:
		return "Keep the file byte for byte: editors and shells add and drop line ends (printf %s, not echo; git's " +
			"autocrlf off)."
	case BodyBase64Left:
		return "The gateway encodes a body that it takes for binary, and says so in isBase64Encoded. Undo it first."
	case BodyBase64Undone:
		return "The body was base64 when it was signed: leave it as it is."
	case BodyEncoding, BodyDecoded:
		return "Something between Svix and the verifier decodes and encodes the body. Let it pass bytes."
	case BodyLength:
		return "The body is not the one that was sent: it was cut, decompressed or written anew. " + rawBytes
	default: // the body was parsed and written again, or was read by something else before
		return rawBytes
	}
}

// describeSignature says how a signature that matches is written otherwise than Svix writes it.
func (c Cause) describeSignature() string {
	switch c {
	case SignatureHex:
		return "the signature is right, and written in hexadecimal"
	case SignatureBase64:
		return "the signature is right, and written in URL-safe or unpadded base64"
	default:
		return "the signature is right, and has no v1, before it"
	}
}
