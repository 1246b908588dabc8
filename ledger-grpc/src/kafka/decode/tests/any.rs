//! Whatever the bytes are, they are events within their limits, or a reason, and nothing breaks.

use super::*;

/// xorshift64*, after Marsaglia and Vigna: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }

    /// Something near a message: bytes changed, taken out, doubled, or parts of two messages together.
    fn near(&mut self, seed: &[u8], seeds: &[(usize, Vec<u8>)]) -> Vec<u8> {
        let mut data = seed.to_vec();
        for _ in 0..self.below(4) {
            let at = self.below(data.len() + 1);
            match self.below(6) {
                0 => data.truncate(at),
                1 => data.insert(at, self.byte()),
                2 if at < data.len() => data[at] ^= 1 << self.below(8),
                3 if at < data.len() => data[at] = b"\"{}[],:0-9.eE\\/\x00"[self.below(16)],
                4 => {
                    let other = &seeds[self.below(seeds.len())].1;
                    data.truncate(at);
                    data.extend_from_slice(&other[self.below(other.len() + 1)..]);
                }
                _ => {
                    let length = self.below(16).min(data.len() - at);
                    let part = data[at..at + length].to_vec();
                    data.splice(at..at, part);
                }
            }
        }
        data
    }
}

fn topics() -> Vec<Topic> {
    let mapped = r#"
        format = "mapped"
        [[topic.event]]
        when = { "/t" = ["x", 1, true], "/n/0" = { present = true } }
        skip = "x"
        [[topic.event]]
        says = "purchase"
        source = { text = "/s", map = { s = "shop" }, otherwise = "other" }
        id = "/id"
        occurred_at = { local = "/at", timezone = "Europe/Berlin" }
        member = { text = "/m" }
        [topic.event.body]
        order = { text = "/id" }
        currency = "EUR"
        lines = [
            { each = "/lines", quantity = { number = "/q", round = "up" },
              net = { major = "/p", times = "/q", round = "half_even" } },
            { net = { major = "/off", digits = 3, negate = true } },
        ]
        [[topic.event]]
        says = "check_in"
        source = "s"
        id = "/id"
        occurred_at = { seconds = "/at" }
    "#;
    let (first, second) = mapped.rsplit_once("[[topic.event]]").expect("there are several rules");
    let second = format!("format = \"mapped\"\n[[topic.event]]{second}");
    ["format = \"json\"", "format = \"protobuf\"", "format = \"cloudevents\"", first, &second]
        .iter()
        .flat_map(|format| [(*format).to_owned(), format!("framing = \"confluent\"\n{format}")])
        .map(|text| topic(&text))
        .collect()
}

#[test]
fn any_bytes_are_events_or_have_a_reason() {
    let shop = r#"{"id":"o-1","s":"s","at":"2026-01-05 10:00:00","m":4711,"off":"1.005","t":"y","n":[1],
        "lines":[{"q":"0.345","p":19.90},{"q":2.0,"p":"-0.25"}]}"#;
    let bytes = check_in().encode_to_vec();
    let id = [0, 0, 0, 1, 200];
    // Each with the topic that it is meant for.
    let seeds: Vec<(usize, Vec<u8>)> = vec![
        (0, JSON.as_bytes().to_vec()),
        (2, bytes.clone()),
        (3, [&id[..], &[0], &bytes].concat()),
        (3, [&id[..], &[4, 2, 0], &bytes].concat()),
        (4, CLOUD.as_bytes().to_vec()),
        (4, format!("[{CLOUD},{CLOUD}]").into_bytes()),
        (4, CLOUD.replace("\"data\":{}", "\"data_base64\":\"e30=\"").into_bytes()),
        (6, shop.as_bytes().to_vec()),
        (7, [&id[..], shop.as_bytes()].concat()),
        (8, shop.replace("\"2026-01-05 10:00:00\"", "1767607200.25").into_bytes()),
    ];
    let mut random = Random(0x5eed);
    let (topics, mut read) = (topics(), [0; 2]);
    let media = ["application/json", "application/cloudevents-batch+json", "application/protobuf", "", "x"];
    for _ in 0..40_000 {
        let (meant, seed) = &seeds[random.below(seeds.len())];
        let value = random.near(seed, &seeds);
        let topic = if random.below(4) == 0 { random.below(topics.len()) } else { *meant };
        let mut pairs = if random.below(4) == 0 { BINARY.to_vec() } else { Vec::new() };
        if random.below(3) == 0 {
            pairs.push(("content-type", media[random.below(media.len())]));
        }
        if random.below(8) == 0 {
            pairs.push(("__value_schema_id", "\u{0}abcd\u{0}"));
        }
        let mut decoded = decode(&topics[topic], &pairs, Some(&value));
        assert!(decoded.events.iter_mut().all(|event| event.violations().is_empty()), "{value:?}");
        let nothing = decoded.events.is_empty() && decoded.skipped.is_none();
        assert!(!nothing || decoded.fault.is_some(), "{value:?} comes to nothing");
        read[0] += decoded.events.len();
        read[1] += usize::from(decoded.fault.is_some());
    }
    assert!(read.iter().all(|count| *count > 5_000), "both are met often: {read:?}");
}
