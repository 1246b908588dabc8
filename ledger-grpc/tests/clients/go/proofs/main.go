// proofs KEY FILE: checks the proofs of a file with Go's own packages, and each again with one bit changed.
//
// A line of the file is the number of a bit, a proof in base64, and, of a proof of growth, the older checkpoint in
// base64. Every proof must be accepted, and none with that bit changed.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var malformed = errors.New("malformed")

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// canonical tells texts that Go's decoder takes although bits are set in them that mean nothing.
func canonical(text string) bool {
	_, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil
}

type checkpoint struct {
	size int64
	root tlog.Hash
}

// opened is a checkpoint whose signature the key verifies.
func opened(text []byte, keys note.Verifiers) (checkpoint, error) {
	signed, err := note.Open(text, keys)
	if err != nil {
		return checkpoint{}, err
	}
	lines := strings.SplitN(signed.Text, "\n", 4)
	if len(lines) != 4 || lines[0] != signed.Sigs[0].Name || !canonical(signed.Sigs[0].Base64) {
		return checkpoint{}, malformed
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return checkpoint{}, malformed
	}
	root, err := tlog.ParseHash(lines[2])
	return checkpoint{size, root}, err
}

// parted is what stands before the empty line, and the checkpoint behind it.
func parted(proof []byte) ([]string, []byte, error) {
	head, tail, found := bytes.Cut(proof, []byte("\n\n"))
	if !found || !utf8.Valid(proof) {
		return nil, nil, malformed
	}
	return strings.Split(string(head), "\n"), tail, nil
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil || !canonical(line) {
			return nil, malformed
		}
		found = append(found, hash)
	}
	return found, nil
}

// leaf is the hash of the record that a proof shows, as FORMAT.md has it.
func leaf(shown []byte) (tlog.Hash, error) {
	if len(shown) < 5 || shown[0] != 1 {
		return tlog.Hash{}, malformed
	}
	length := int64(binary.LittleEndian.Uint32(shown[1:5]))
	if int64(len(shown)) < 5+length+1 {
		return tlog.Hash{}, malformed
	}
	verdict, cause := shown[5:5+length], shown[5+length:]
	hash := cause[1:]
	switch {
	case cause[0] == 0 && len(hash) == 32:
	case cause[0] == 1 && len(hash) >= 16:
		sum := sha256.Sum256(hash)
		hash = sum[:]
	default:
		return tlog.Hash{}, malformed
	}
	return tlog.RecordHash(append(append([]byte{}, verdict...), hash...)), nil
}

func inclusion(proof []byte, keys note.Verifiers) error {
	lines, signed, err := parted(proof)
	if err != nil {
		return err
	}
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return malformed
	}
	extra, number := strings.TrimPrefix(lines[1], "extra "), strings.TrimPrefix(lines[2], "index ")
	index, err := strconv.ParseInt(number, 10, 64)
	if extra == lines[1] || number == lines[2] || err != nil || strconv.FormatInt(index, 10) != number {
		return malformed
	}
	shown, err := base64.StdEncoding.Strict().DecodeString(extra)
	if err != nil {
		return err
	}
	record, err := leaf(shown)
	if err != nil {
		return err
	}
	path, err := hashes(lines[3:])
	if err != nil {
		return err
	}
	at, err := opened(signed, keys)
	if err != nil {
		return err
	}
	if index >= at.size {
		return malformed
	}
	return tlog.CheckRecord(path, at.size, at.root, index, record)
}

func growth(older, proof []byte, keys note.Verifiers) error {
	lines, signed, err := parted(proof)
	if err != nil {
		return err
	}
	before, err := opened(older, keys)
	if err != nil {
		return err
	}
	if lines[0] != fmt.Sprintf("old %d", before.size) {
		return malformed
	}
	path, err := hashes(lines[1:])
	if err != nil {
		return err
	}
	at, err := opened(signed, keys)
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, at.size, at.root, before.size, before.root)
}

func main() {
	keys := note.VerifierList(must(note.NewVerifier(os.Args[1])))
	accepted, refused := 0, 0
	for at, line := range strings.Split(strings.TrimSpace(string(must(os.ReadFile(os.Args[2])))), "\n") {
		fields := strings.Fields(line)
		bit := must(strconv.Atoi(fields[0]))
		proof := must(base64.StdEncoding.DecodeString(fields[1]))
		check := func(proof []byte) error { return inclusion(proof, keys) }
		if len(fields) == 3 {
			older := must(base64.StdEncoding.DecodeString(fields[2]))
			check = func(proof []byte) error { return growth(older, proof, keys) }
		}
		if err := check(proof); err != nil {
			log.Fatalf("proof %d is refused: %v\n%s", at, err, proof)
		}
		accepted++
		changed := append([]byte{}, proof...)
		changed[bit/8] ^= 1 << (bit % 8)
		if check(changed) == nil {
			log.Fatalf("proof %d is accepted with bit %d changed\n%s", at, bit, changed)
		}
		refused++
	}
	fmt.Printf("%d accepted, %d with a bit changed refused\n", accepted, refused)
}
