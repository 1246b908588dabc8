import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.util.JsonFormat;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Events DESCRIPTORS EVENTS: writes each event, base64 of its bytes on a line, as JSON in two styles. */
final class Events {
  public static void main(String[] args) throws Exception {
    Map<String, FileDescriptor> files = new LinkedHashMap<>();
    // Each file comes behind those it imports.
    for (FileDescriptorProto file : FileDescriptorSet.parseFrom(Files.readAllBytes(Path.of(args[0]))).getFileList()) {
      List<FileDescriptor> imports = new ArrayList<>();
      for (String name : file.getDependencyList()) {
        imports.add(files.get(name));
      }
      files.put(file.getName(), FileDescriptor.buildFrom(file, imports.toArray(new FileDescriptor[0])));
    }
    Descriptor event = files.get("ledger/v1/event.proto").findMessageTypeByName("Event");
    JsonFormat.Printer plain = JsonFormat.printer().omittingInsignificantWhitespace();
    JsonFormat.Printer other =
        plain.preservingProtoFieldNames().printingEnumsAsInts().alwaysPrintFieldsWithNoPresence();
    for (String line : Files.readAllLines(Path.of(args[1]))) {
      DynamicMessage message = DynamicMessage.parseFrom(event, Base64.getDecoder().decode(line));
      System.out.println(plain.print(message));
      System.out.println(other.print(message));
    }
  }
}
