package easemob

import "teahouse/internal/im"

// messageRoutes are what sends, withdraws, edits and exports messages.
func (a *API) messageRoutes() []route {
	messages := func(method, path, class string, run func(*call) (answer, error), words ...exception) route {
		return route{method: method, path: path, class: class, service: messageService, run: run, words: words, numbers: map[string]int{im.ErrMessageLarge.Code: numberLarge}}
	}
	users := func(method, path, class string, run func(*call) (answer, error)) route {
		return route{method: method, path: path, class: class, service: userService, run: run}
	}
	// A user token that sends must be in the room.
	sends := func(method, path, class string, run func(*call) (answer, error), words ...exception) route {
		return messages(method, path, class, run, append(words, notListable())...)
	}
	file := users("GET", "/chatmessages/{hour}/file", classMessages, a.historyFile)
	file.open = true
	return []route{
		sends("POST", "/messages", classMessagesUsers, onMessage(a.sendOld), oldSendWords()...),
		numbered(sends("POST", "/messages/users", classMessagesUsers, a.send(0, false), sendWords()...)),
		numbered(sends("POST", "/messages/chatgroups", classMessagesGroups, a.send(im.Group, false), sendWords()...)),
		numbered(sends("POST", "/messages/chatrooms", classMessagesRooms, a.send(im.Chatroom, false), sendWords()...)),
		numbered(sends("POST", "/messages/chatgroups/users", classMessagesGroups, a.send(im.Group, true), sendWords()...)),
		numbered(sends("POST", "/messages/chatrooms/users", classMessagesRooms, a.send(im.Chatroom, true), sendWords()...)),
		messages("POST", "/messages/broadcast", classBroadcast, a.broadcast(im.AllUsers), oldSendWords()...),
		messages("POST", "/messages/users/broadcast", classBroadcast, a.broadcast(im.ConnectedUsers), oldSendWords()...),
		messages("POST", "/messages/chatrooms/broadcast", classBroadcast, a.broadcast(im.AllChatrooms), oldSendWords()...),
		messages("POST", "/messages/users/import", classMessages, a.importMessage(0), sendWords()...),
		messages("POST", "/messages/chatgroups/import", classMessages, a.importMessage(im.Group), sendWords()...),

		messages("POST", "/messages/msg_recall", classMessages, on(a.recallMessage), recallWords()...),
		messages("POST", "/messages/recall", classMessages, on(a.recallEach), recallWords()...),
		messages("POST", "/messages/batch_recall", classMessages, on(a.recallBatch), recallWords()...),
		messages("PUT", "/messages/rewrite/{message}", classMessages, onMessage(a.rewrite), rewriteWords()...),

		users("GET", "/users/{user}/offline_msg_count", classUsers, a.offlineCount),
		users("GET", "/users/{user}/offline_msg_status/{message}", classUsers, a.offlineStatus),
		users("GET", "/chatmessages", classHistory, a.history),
		users("GET", "/chatmessages/{hour}", classHistory, a.historyHour),
		file,
	}
}

// sendWords are those of the new form of sending (wire/easemob.md §8.1).
func sendWords() []exception {
	word := func(text string) wire { return wire{400, 0, sendError, exSend, text} }
	return []exception{
		{im.ErrFieldMissing.Code, word("param {arg} can't be empty")},
		{im.ErrInvalid.Code + ":ext", word("param ext must be JSONObject")},
		{im.ErrBadJSON.Code, wire{400, 0, "invalid_request_body", "", "Request body is invalid. Please check body is correct."}},
	}
}

const numberLarge = 14007

// numbered gives a route of the new form the numbers of its errors, where they are known (wire/easemob.md §8.1).
func numbered(r route) route {
	missing := im.ErrFieldMissing.Code
	r.numbers = map[string]int{missing + ":from": 14001, missing + ":to": 14002, missing + ":body": 14005, im.ErrMessageLarge.Code: numberLarge}
	return r
}

// oldSendWords are those of the old form.
func oldSendWords() []exception {
	word := func(text string) wire { return wire{400, 0, illegalArgument, exArgument, text} }
	return []exception{
		{im.ErrFieldMissing.Code, word("{arg} can't be empty")},
		{im.ErrFieldMissing.Code + ":type", word("this is an invalid request.")},
		{im.ErrInvalid.Code + ":ext", word("ext must be JSONObject")},
		{im.ErrInvalid.Code + ":target_type", word("target_type can only be 'users' or 'chatgroups' or 'chatrooms'")},
		{im.ErrBadJSON.Code, word("this is an invalid request.")},
	}
}

func recallWords() []exception {
	word := func(text string) wire { return wire{400, 0, "message_recall_error", "", text} }
	return []exception{
		{im.ErrFieldMissing.Code, word("param {arg} can't be empty")},
		{im.ErrInvalid.Code, word("param {arg} is not valid")},
		{im.ErrBatchTooLarge.Code, word("msgs's size can't exceed limit {arg}")},
	}
}

func rewriteWords() []exception {
	return []exception{
		{im.ErrInvalid.Code + ":msg_id", wire{400, 0, illegalArgument, "InvalidMessageIdException", "The provided message ID is not a valid number."}},
		{im.ErrInvalid.Code + ":ext", wire{400, 0, illegalArgument, exArgument, "new_ext must be JSONObject"}},
		{im.ErrNotSelf.Code, wire{401, 0, unauthorized, "RewriteMessageNotAuthorizedException", "You are not authorized to edit this message."}},
		{im.ErrMessageNotFound.Code, wire{404, 0, notFound, "MessageUnavailableException", "The message is unavailable or has expired."}},
	}
}
