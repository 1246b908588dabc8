// main EVENTS: writes each event, described on a line, as messages of Kafka, and all together as a batch.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log"
	"os"
	"time"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/protocol/http"
)

type described struct {
	Type, Source, ID, Subject, DataContentType string
	Time                                       time.Time
	Extensions                                 map[string]string
	Data                                       json.RawMessage
}

type message struct {
	What    string            `json:"what"`
	IDs     []string          `json:"ids"`
	Headers map[string]string `json:"headers"`
	Value   []byte            `json:"value"`
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func tell(what string, ids []string, headers map[string]string, value []byte) {
	check(json.NewEncoder(os.Stdout).Encode(message{what, ids, headers, value}))
}

func made(told described) event.Event {
	cloud := event.New()
	cloud.SetType(told.Type)
	cloud.SetSource(told.Source)
	cloud.SetID(told.ID)
	cloud.SetSubject(told.Subject)
	cloud.SetTime(told.Time)
	for name, value := range told.Extensions {
		cloud.SetExtension(name, value)
	}
	return cloud
}

func send(what string, ctx context.Context, cloud event.Event) {
	var record sarama.ProducerMessage
	check(kafka_sarama.WriteProducerMessage(ctx, binding.ToMessage(&cloud), &record))
	headers := map[string]string{}
	for _, header := range record.Headers {
		headers[string(header.Key)] = string(header.Value)
	}
	var value []byte
	if record.Value != nil {
		var err error
		value, err = record.Value.Encode()
		check(err)
	}
	tell(what, []string{cloud.ID()}, headers, value)
}

func main() {
	file, err := os.Open(os.Args[1])
	check(err)
	structured := binding.WithForceStructured(context.Background())
	binary := binding.WithForceBinary(context.Background())
	var all []event.Event
	var ids []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var told described
		check(json.Unmarshal(lines.Bytes(), &told))
		cloud := made(told)
		if told.Data != nil {
			var data interface{}
			check(json.Unmarshal(told.Data, &data))
			check(cloud.SetData(event.ApplicationJSON, data))
			if told.DataContentType != "" {
				cloud.SetDataContentType(told.DataContentType)
			}
			inBytes := made(told)
			check(inBytes.SetData(told.DataContentType, []byte(told.Data)))
			send("structured, data in bytes", structured, inBytes)
			send("binary, data in bytes", binary, inBytes)
		}
		send("structured", structured, cloud)
		send("binary", binary, cloud)
		all = append(all, cloud)
		ids = append(ids, cloud.ID())
	}
	request, err := http.NewHTTPRequestFromEvents(context.Background(), "http://localhost", all)
	check(err)
	body, err := io.ReadAll(request.Body)
	check(err)
	tell("batch", ids, map[string]string{"content-type": request.Header.Get("Content-Type")}, body)
}
