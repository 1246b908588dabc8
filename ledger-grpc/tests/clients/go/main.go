// main DESCRIPTORS EVENTS: writes each event, base64 of its bytes on a line, as JSON in two styles.
package main

import (
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(must(os.ReadFile(os.Args[1])), &set); err != nil {
		log.Fatal(err)
	}
	found := must(must(protodesc.NewFiles(&set)).FindDescriptorByName("ledger.v1.Event"))
	plain := protojson.MarshalOptions{}
	other := protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true, EmitUnpopulated: true}
	for _, line := range strings.Fields(string(must(os.ReadFile(os.Args[2])))) {
		event := dynamicpb.NewMessage(found.(protoreflect.MessageDescriptor))
		if err := proto.Unmarshal(must(base64.StdEncoding.DecodeString(line)), event); err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(must(plain.Marshal(event))))
		fmt.Println(string(must(other.Marshal(event))))
	}
}
