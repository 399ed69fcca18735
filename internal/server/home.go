package server

import (
	"html/template"
	"net/http"

	"teahouse/internal/webapi"
)

// home is what the page at / tells.
type home struct {
	Base, Socket, App string // as the visitor reaches them; the app's key
	Dev               bool
}

// homePolicy lets the page load nothing.
const homePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const homePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Teahouse</title>
<link rel="icon" href="data:,">
<style>
body { font: 16px/1.6 sans-serif; max-width: 48em; margin: 3em auto; padding: 0 1em }
pre { background: #f3f3f3; color: #222; padding: .8em; overflow-x: auto }
</style>
<h1>Teahouse 茶馆</h1>
<p>An instant messaging server runs here. It has no console yet. <span lang="zh">即时通讯服务器正在运行，管理后台尚未完成。</span></p>
<ul>
<li><a href="/docs/">HTTP APIs <span lang="zh">接口文档</span></a>, with a form to try each call; as a file: <a href="/openapi.yaml">openapi.yaml</a>
<li>Web SDK, easemob-websdk or agora-chat. <span lang="zh">Web SDK 的初始化参数：</span>
<pre>new websdk.connection({
  appKey: '{{.App}}',
  isHttpDNS: false,
  url: '{{.Socket}}',  // 3.x – 4.8: '{{.Base}}/ws'
  apiUrl: '{{.Base}}',
})</pre>
</ul>
{{if .Dev}}<p>This is the emulator. Users such as jma1, jma2 and jma3 have the password 123456; jma2 is the owner of the chatroom
1432266600611977. <span lang="zh">这是模拟器：用户 jma1、jma2、jma3 等的密码是 123456；聊天室 1432266600611977 的所有者是 jma2。</span></p>
{{end}}`

// homeHandler serves that page to those who open the server's address in a browser.
func (s *server) homeHandler() http.HandlerFunc {
	page := template.Must(template.New("").Parse(homePage))
	return func(w http.ResponseWriter, r *http.Request) {
		base := webapi.Base(r, s.cfg.PublicURL)
		told := home{Base: base, Socket: socketURL(base), App: "ORG#APP", Dev: s.cfg.Dev}
		if s.cfg.Dev {
			told.App = s.cfg.App.Key
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", homePolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		_ = page.Execute(w, told) // to whom, if it fails
	}
}
