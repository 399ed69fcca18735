package im

// PlaceTx keeps how far devices have read. A place never goes back.
type PlaceTx interface {
	// PutPlaces writes how far a device has acknowledged.
	PutPlaces(Device, map[ConversationID]MessageID) error
	// PutPlacesOf writes how far devices of an app have acknowledged, each and the furthest of the user's. Devices that are gone have
	// no place. The caller has locked the users. The number of statements does not grow with that of the places but in large steps.
	PutPlacesOf(AppID, []Place) error
}
