package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate makes a self-signed certificate of a name and returns its PEM files' contents.
func writeCertificate(t *testing.T, name, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if file == "" {
			continue
		}
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCertificateReload(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, "one", certFile, keyFile)
	var log logBuffer
	c, err := loadCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	want := func(name string) {
		t.Helper()
		got, err := c.get(nil)
		if err != nil || got.Leaf.Subject.CommonName != name {
			t.Errorf("certificate %q, %v; want %q", got.Leaf.Subject.CommonName, err, name)
		}
	}
	later := func(file string, by time.Duration) { // file systems may be too coarse to see the change
		t.Helper()
		if err := os.Chtimes(file, time.Time{}, now.Add(by)); err != nil {
			t.Fatal(err)
		}
	}
	want("one")
	writeCertificate(t, "two", certFile, keyFile)
	later(certFile, time.Hour)
	want("one") // within the second
	now = now.Add(time.Second)
	want("two")

	writeCertificate(t, "three", certFile, "") // its key is not written yet
	later(certFile, 2*time.Hour)
	now = now.Add(time.Second)
	want("two")
	if !strings.Contains(log.String(), "does not load") {
		t.Errorf("log: %s", log.String())
	}
	writeCertificate(t, "four", certFile, keyFile)
	now = now.Add(time.Second)
	want("four")

	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	want("four")
}

func TestServesTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, "chat.example", certFile, keyFile)
	n := start(t, Config{Dev: true, TLSCert: certFile, TLSKey: keyFile})
	if !strings.HasPrefix(n.url(), "https://") {
		t.Fatalf("url %s", n.url())
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get(n.url() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.TLS.PeerCertificates[0].Subject.CommonName != "chat.example" || res.ProtoMajor != 2 {
		t.Errorf("%s %s", res.Status, res.Proto)
	}
}
