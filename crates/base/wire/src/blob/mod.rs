//! Azure Storage's words for blobs, as far as uploading devices and those who fetch the files speak them.
//!
//! Sources: docs, "Blob service REST API"; what azure-storage-blob 12.31 for Python, @azure/storage-blob 12.8 for Node and the
//! C SDK's `upload_to_blob` were seen to send.

mod block_list;
mod code;
mod properties;
mod range;

pub use block_list::{BlockListError, BlockListType, parse as parse_block_list, write as write_block_list};
pub use code::{BlobCode, read_refusal};
pub use properties::{ContentHeaders, PropertyError, content_headers, read as read_properties};
pub use range::parse as parse_range;

/// The one container that a hub has, as `containerName` names it and paths begin.
pub const CONTAINER: &str = "uploads";
/// The version of the API that answers name. Clients do not compare it.
pub const VERSION: &str = "2021-12-02";
/// Header of every answer: [`VERSION`].
pub const VERSION_HEADER: &str = "x-ms-version";
/// Header of a refusal: [`BlobCode::name`].
pub const ERROR_CODE_HEADER: &str = "x-ms-error-code";
/// What a client called its request; told back to it.
pub const CLIENT_REQUEST_ID_HEADER: &str = "x-ms-client-request-id";
/// Required when a blob is put whole.
pub const BLOB_TYPE_HEADER: &str = "x-ms-blob-type";
/// The only type there is here.
pub const BLOCK_BLOB: &str = "BlockBlob";
/// Tells that what was put is encrypted at rest. SDKs read it; disks are the operator's to encrypt.
pub const SERVER_ENCRYPTED_HEADER: &str = "x-ms-request-server-encrypted";
/// Bytes of a blob whose blocks are listed.
pub const BLOB_CONTENT_LENGTH_HEADER: &str = "x-ms-blob-content-length";
/// A range that goes before `Range`.
pub const RANGE_HEADER: &str = "x-ms-range";
/// MD5 of a request's body, base64.
pub const CONTENT_MD5_HEADER: &str = "content-md5";
/// MD5 of a blob, base64: checked when the blob is put whole, kept in any case.
pub const BLOB_CONTENT_MD5_HEADER: &str = "x-ms-blob-content-md5";
