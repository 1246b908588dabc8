//! Codec: messages as prost reads and writes them, once what a request would come to is known.

use crate::wire;
use prost::bytes::Buf;
use prost::{Message, Name};
use std::marker::PhantomData;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

/// The codec of every call.
#[derive(Debug)]
pub struct Counted<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Counted<T, U> {
    fn default() -> Counted<T, U> {
        Counted(PhantomData)
    }
}

impl<T, U> Codec for Counted<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = CountedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        CountedDecoder(PhantomData)
    }
}

/// Counts before it decodes: a few bytes can say millions of things.
#[derive(Debug)]
pub struct CountedDecoder<U>(PhantomData<U>);

impl<U: Message + Name + Default> Decoder for CountedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let bytes = buf.copy_to_bytes(buf.remaining());
        wire::count(U::NAME, &bytes)?;
        U::decode(bytes).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
