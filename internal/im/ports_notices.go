package im

// NoticeTx keeps what users are told.
type NoticeTx interface {
	// Tell puts messages at the end of the conversations of notices they go to, whose users take part in them from their first
	// notice on. It returns them in the same order with the ID and Prev that each got; ID 0 for users who do not exist. Of a
	// message To, ID, At and Body count. The caller has locked the users. The number of statements does not grow with that of
	// the messages but in large steps.
	Tell(AppID, []Message) ([]Message, error)
}
