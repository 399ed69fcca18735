package server

import "testing"

// The start-up text has what the Web SDK needs to come here, also behind a proxy.
func TestSDKOptions(t *testing.T) {
	for public, want := range map[string]string{
		"https://im.example.com":      "wss://im.example.com/websocket",
		"https://im.example.com:8443": "wss://im.example.com:8443/websocket",
		"http://10.0.0.1:8080/":       "ws://10.0.0.1:8080/websocket",
		"HTTPS://IM.example.com":      "wss://IM.example.com/websocket",
	} {
		n := start(t, Config{App: AppConfig{Key: "acme#chat"}, PublicURL: public})
		if got := n.value("WebSocket"); got != want {
			t.Errorf("%s: the socket is at %s, want %s", public, got, want)
		}
		options := "{appKey: 'acme#chat', isHttpDNS: false, url: '" + want + "', apiUrl: '" + n.url() + "'}"
		if got := n.value("Web SDK"); got != options {
			t.Errorf("%s: got %s\nwant %s", public, got, options)
		}
		n.stop()
	}
}
