//! Proofs: that a record is in the log, and that the log has only grown, against the checkpoint signed last.

use super::Unknown;
use crate::proto;
use ledger_core::units::Position;
use ledger_store::{ConsistencyProof, Handle, InclusionProof, ReadError, ShownCause};

/// The checkpoint that was signed last; `None` if none ever was.
pub fn checkpoint(store: &Handle) -> Option<proto::GetCheckpointResponse> {
    let signed = store.checkpoint()?;
    Some(proto::GetCheckpointResponse {
        checkpoint: signed.note.clone(),
        size: signed.head.size,
        root: signed.head.root.to_vec(),
        keys: store.checkpoint_keys().iter().map(ToString::to_string).collect(),
    })
}

/// That a record is in the log.
///
/// # Errors
/// [`ReadError`].
pub fn inclusion(
    store: &Handle,
    position: Position,
    with_cause: bool,
) -> Result<Result<proto::GetInclusionProofResponse, Unknown>, ReadError> {
    let Some(signed) = store.checkpoint() else { return Ok(Err(Unknown::Checkpoint)) };
    if position.0 == 0 || position > store.committed() {
        return Ok(Err(Unknown::Record));
    }
    let proved = store.prove_inclusion(position, &signed.head, with_cause)?;
    let Some((shown, hashes)) = proved else { return Ok(Err(Unknown::Checkpoint)) };
    let (cause, salt) = match &shown.cause {
        ShownCause::Hash(_) => (Vec::new(), Vec::new()),
        ShownCause::Bytes { salt, cause } => (cause.clone(), salt.to_vec()),
    };
    let told = hashes.iter().map(|hash| hash.to_vec()).collect();
    let (verdict, cause_hash) = (shown.verdict.clone(), shown.cause_hash().to_vec());
    let checkpoint = signed.note.clone();
    let proof = InclusionProof { shown, index: position.0 - 1, hashes, checkpoint: checkpoint.clone() }.to_string();
    let position = position.0;
    Ok(Ok(proto::GetInclusionProofResponse {
        proof,
        position,
        hashes: told,
        verdict,
        cause_hash,
        cause,
        salt,
        checkpoint,
    }))
}

/// That the log has only grown since it had `old` records.
///
/// # Errors
/// [`ReadError`].
pub fn consistency(store: &Handle, old: u64) -> Result<Result<proto::GetConsistencyProofResponse, Unknown>, ReadError> {
    let Some(signed) = store.checkpoint() else { return Ok(Err(Unknown::Checkpoint)) };
    let Some(hashes) = store.prove_consistency(old, &signed.head)? else { return Ok(Err(Unknown::Checkpoint)) };
    let checkpoint = signed.note.clone();
    let told = hashes.iter().map(|hash| hash.to_vec()).collect();
    let proof = ConsistencyProof { old, hashes, checkpoint: checkpoint.clone() }.to_string();
    Ok(Ok(proto::GetConsistencyProofResponse { proof, hashes: told, checkpoint }))
}
