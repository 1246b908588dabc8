import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.core.data.PojoCloudEventData;
import io.cloudevents.jackson.JsonCloudEventData;
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.kafka.CloudEventSerializer;
import io.cloudevents.kafka.KafkaMessageFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Cloud EVENTS: writes each event, described on a line, as messages of Kafka. Cloud EVENTS BROKERS TOPIC MODE: sends
 * them there instead, by Kafka's producer with the serializer of the library.
 */
final class Cloud {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static CloudEventBuilder described(JsonNode event) {
    CloudEventBuilder builder =
        CloudEventBuilder.v1()
            .withId(event.get("id").asText())
            .withSource(URI.create(event.get("source").asText()))
            .withType(event.get("type").asText())
            .withSubject(event.get("subject").asText())
            .withTime(OffsetDateTime.parse(event.get("time").asText()));
    event.get("extensions").fields().forEachRemaining(
        field -> builder.withExtension(field.getKey(), field.getValue().asText()));
    if (event.has("datacontenttype")) {
      builder.withDataContentType(event.get("datacontenttype").asText());
    }
    return builder;
  }

  private static void tell(String what, CloudEvent event, ProducerRecord<Void, byte[]> message) {
    ObjectNode told = JSON.createObjectNode().put("what", what);
    told.putArray("ids").add(event.getId());
    ObjectNode headers = told.putObject("headers");
    for (Header header : message.headers()) {
      headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
    }
    byte[] value = message.value();
    System.out.println(told.put("value", value == null ? null : Base64.getEncoder().encodeToString(value)));
  }

  public static void main(String[] args) throws Exception {
    KafkaProducer<String, CloudEvent> producer = null;
    if (args.length > 1) {
      Map<String, Object> settings = Map.of("bootstrap.servers", args[1],
          CloudEventSerializer.ENCODING_CONFIG, args[3],
          CloudEventSerializer.EVENT_FORMAT_CONFIG, JsonFormat.CONTENT_TYPE);
      CloudEventSerializer serializer = new CloudEventSerializer();
      serializer.configure(settings, false);
      producer = new KafkaProducer<>(settings, new StringSerializer(), serializer);
    }
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      JsonNode described = JSON.readTree(line);
      CloudEventBuilder builder = described(described);
      JsonNode data = described.get("data");
      CloudEvent event = data == null ? builder.build() : builder.withData(JSON.writeValueAsBytes(data)).build();
      if (producer != null) {
        producer.send(new ProducerRecord<>(args[2], event.getSubject(), event));
        continue;
      }
      tell("structured", event,
          KafkaMessageFactory.<Void>createWriter("t").writeStructured(event, JsonFormat.CONTENT_TYPE));
      tell("binary", event, KafkaMessageFactory.<Void>createWriter("t").writeBinary(event));
      if (data != null) {
        CloudEvent asJson = described(described).withData(JsonCloudEventData.wrap(data)).build();
        tell("structured, data as JSON", asJson,
            KafkaMessageFactory.<Void>createWriter("t").writeStructured(asJson, JsonFormat.CONTENT_TYPE));
        CloudEvent asObject =
            described(described).withData(PojoCloudEventData.wrap(data, JSON::writeValueAsBytes)).build();
        tell("binary, data as an object", asObject, KafkaMessageFactory.<Void>createWriter("t").writeBinary(asObject));
      }
    }
    if (producer != null) {
      producer.close();
    }
  }
}
