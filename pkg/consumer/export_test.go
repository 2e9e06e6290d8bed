package consumer

// Constants are the numbers that a test pins, by what they are for.
func Constants() map[string]any {
	return map[string]any{
		"first delay": firstDelay, "longest delay": longestDelay,
		"first suspect receive": FirstSuspectReceive, "max refused receives": maxRefusedReceives,
		"margin": Margin, "requeue margin": requeueMargin, "answer margin": answerMargin,
		"tries in place": triesInPlace, "first wait": firstWait, "longest wait": longestWait,
		"concurrent rows": maxConcurrentRows, "concurrent deletes": maxConcurrentDeletes, "reason": maxReason,
	}
}
