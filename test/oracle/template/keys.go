package main

// Key stores and certificates: new ones are made at each recording, and what External Secrets would answer for them is
// worked out with the modules that it uses.

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"time"

	"golang.org/x/crypto/bcrypt"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

type recordedStore struct {
	Name         string `json:"name"`
	File         []byte `json:"file"`
	Password     string `json:"password"`
	Key          string `json:"key"`
	Certificates string `json:"certificates"`
}

type recordedKeys struct {
	Stores      []recordedStore `json:"stores"`
	TrustStore  []byte          `json:"trustStore"`
	Certificate string          `json:"certificate"`
	SANs        []string        `json:"sans"`
	Ciphertext  []byte          `json:"ciphertext"`
	RSAKey      string          `json:"rsaKey"`
	BcryptHash  string          `json:"bcryptHash"`
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func certificateFor(name string, key crypto.Signer, parent *x509.Certificate, signer crypto.Signer) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: must(rand.Int(rand.Reader, big.NewInt(1<<62))),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"Örg, Inc"}, Country: []string{"DE"}},
		NotBefore:    time.Now(), NotAfter: time.Now().AddDate(100, 0, 0),
		IsCA: parent == nil, BasicConstraintsValid: true,
		DNSNames: []string{"a.test", "*.b.test"}, EmailAddresses: []string{"a@b.test"},
		IPAddresses: []net.IP{net.ParseIP("10.0.0.1"), net.ParseIP("2001:db8::1"), net.ParseIP("::1"), net.ParseIP("1:0:0:2:0:0:0:3")},
		URIs:        []*url.URL{must(url.Parse("spiffe://x/y?z=1"))},
	}
	if parent == nil {
		parent, signer = template, key
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer))))
}

func recordKeys() {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	root := certificateFor("root", ecKey, nil, nil)
	recorded := recordedKeys{}
	encoders := map[string]*pkcs12.Encoder{
		"LegacyRC2": pkcs12.LegacyRC2, "LegacyDES": pkcs12.LegacyDES, "Modern2023": pkcs12.Modern2023,
		"Modern2026": pkcs12.Modern2026, "Passwordless": pkcs12.Passwordless,
	}
	keys := map[string]crypto.Signer{"rsa": rsaKey, "ec": ecKey, "ed25519": edKey}
	for _, encoder := range []string{"LegacyRC2", "LegacyDES", "Modern2023", "Modern2026", "Passwordless"} {
		for _, kind := range []string{"rsa", "ec", "ed25519"} {
			for _, password := range []string{"", "pä55 ☃"} {
				if encoder == "Passwordless" && password != "" {
					continue
				}
				leaf := certificateFor("leaf", keys[kind], root, ecKey)
				recorded.Stores = append(recorded.Stores, recordedStore{
					Name:         encoder + " " + kind,
					File:         must(encoders[encoder].Encode(keys[kind], leaf, []*x509.Certificate{root}, password)),
					Password:     password,
					Key:          pemText("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(keys[kind]))),
					Certificates: pemText("CERTIFICATE", leaf.Raw) + pemText("CERTIFICATE", root.Raw),
				})
			}
		}
	}
	recorded.TrustStore = must(pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{root}, "pw"))
	leaf := certificateFor("leaf", rsaKey, root, ecKey)
	recorded.Certificate = pemText("CERTIFICATE", leaf.Raw)
	recorded.SANs = append(recorded.SANs, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		recorded.SANs = append(recorded.SANs, ip.String())
	}
	recorded.SANs = append(recorded.SANs, leaf.EmailAddresses...)
	for _, uri := range leaf.URIs {
		recorded.SANs = append(recorded.SANs, uri.String())
	}
	recorded.Ciphertext = must(rsa.EncryptOAEP(sha256.New(), rand.Reader, &rsaKey.PublicKey, []byte("plain text"), nil))
	recorded.RSAKey = pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))
	recorded.BcryptHash = string(must(bcrypt.GenerateFromPassword([]byte("pä55 ☃"), bcrypt.MinCost)))
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	must(0, out.Encode(recorded))
}

// What a writer other than Go's made: reads base64 PKCS#12 from the command line, and says what Go finds in it.
func checkStore(file, password string) {
	data := must(base64.StdEncoding.DecodeString(file))
	if certificates, err := pkcs12.DecodeTrustStore(data, password); err == nil {
		for _, certificate := range certificates {
			fmt.Println("trusts", certificate.Subject)
		}
		return
	}
	key, certificate, others, err := pkcs12.DecodeChain(data, password)
	must(0, err)
	der := must(x509.MarshalPKCS8PrivateKey(key))
	fits := bytes.Equal(must(x509.MarshalPKIXPublicKey(key.(crypto.Signer).Public())), certificate.RawSubjectPublicKeyInfo)
	fmt.Println("key", len(der), "fits", fits, certificate.Subject, "others", len(others))
}
