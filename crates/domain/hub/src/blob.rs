//! The files themselves: put and fetched with the signature of an upload, or with a back end's policy.

use bytes::Bytes;
use md5::{Digest, Md5};
use roadstead_auth::Segment;
use roadstead_model::{DeviceId, Right};
use roadstead_sas::BlobSasError;
use roadstead_store::{
    BlobCondition, BlobError, BlobInfo, BlobPath, BlobPathError, BlobProperties, BlobRead, BlobWriter, BlockId,
    BlockWriter, ByteRange, ListedBlob, Page, WaitingBlock,
    limits::{BLOCK_BYTES_MAX, PUT_BLOB_BYTES_MAX},
};
use thiserror::Error;

use crate::{error::HubError, hub::Hub, throttle::Operation, upload::blob_failure};

/// Why something was not done with a file. A vocabulary of its own: it is spoken to storage clients.
#[derive(Debug, Error)]
pub enum FileError {
    /// The name is none that a file may have.
    #[error(transparent)]
    Name(#[from] BlobPathError),
    #[error(transparent)]
    Signature(#[from] BlobSasError),
    /// Neither signed nor asked by a policy that may; or the device is gone or disabled.
    #[error(transparent)]
    Refused(HubError),
    #[error("there is no such file")]
    NotFound,
    #[error("the body has more than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    /// The body is not what its MD5 says.
    #[error("the MD5 of what arrived is {found}, not {given}")]
    Md5Mismatch { given: String, found: String },
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// Who asks for a file, as a front read it off the wire. Nothing of it is believed yet but `has_role`.
#[derive(Debug, Clone, Copy)]
pub struct FileAccess<'a> {
    /// The arguments of the query, decoded.
    pub query: &'a [(String, String)],
    /// A back end's token.
    pub token: Option<&'a str>,
    /// `token` is a bearer token, of somebody who logged in, and was judged: a role of theirs allows what is asked. Never for writing:
    /// who puts a file shows the signature that a device got for it.
    pub has_role: bool,
}

/// A file that somebody may write.
#[derive(Debug, Clone)]
pub struct WritableFile(BlobPath);

/// A file that somebody may read.
#[derive(Debug, Clone)]
pub struct ReadableFile(BlobPath);

impl Hub {
    /// Whether this request may write the file. Errors: `Name`, `Signature`, `Refused`.
    pub async fn open_to_write(
        &self,
        access: FileAccess<'_>,
        device: &str,
        name: &str,
    ) -> Result<WritableFile, FileError> {
        let path = self.file_path(device, name)?;
        self.judge_signature(access, &path)?.check_write()?;
        // Who was signed for an hour ago may be gone or disabled by now.
        let device = self.find_device(path.device()).await.map_err(FileError::Refused)?;
        if device.status == roadstead_model::DeviceStatus::Disabled {
            return Err(FileError::Refused(HubError::DeviceDisabled(device.id)));
        }
        Ok(WritableFile(path))
    }

    /// Whether this request may read the file: by its signature, as a back end with the right `ServiceConnect`, or by a role.
    /// Errors: `Name`, `Signature`, `Refused`.
    pub fn open_to_read(&self, access: FileAccess<'_>, device: &str, name: &str) -> Result<ReadableFile, FileError> {
        let path = self.file_path(device, name)?;
        self.judge_reader(access, &path)?;
        Ok(ReadableFile(path))
    }

    /// Removes a file. Only back ends may, with the right `ServiceConnect` or by a role. Errors: `Name`, `Refused`, `NotFound`, `Blob`.
    pub async fn delete_file(&self, access: FileAccess<'_>, device: &str, name: &str) -> Result<(), FileError> {
        let path = self.file_path(device, name)?;
        self.judge_back_end(access, &path)?;
        let blobs = &self.upload_parts().map_err(FileError::Refused)?.blobs;
        if blobs.delete(&path).await? { Ok(()) } else { Err(FileError::NotFound) }
    }

    /// The files of a device, whether it is registered still or not, in pages; see [`roadstead_store::Blobs::list`].
    /// Errors: `Throttled`, `UploadsMissing`, `Busy`, `Internal`.
    pub async fn list_files(
        &self,
        device: &DeviceId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ListedBlob>, HubError> {
        self.throttle(Operation::Registry)?;
        let blobs = &self.upload_parts()?.blobs;
        blobs.list(self.key(), device, after, limit).await.map_err(blob_failure)
    }

    /// Begins to take a whole file. `md5`: of the body, base64, when the client gave it.
    pub async fn put_file(
        &self,
        file: &WritableFile,
        properties: &BlobProperties,
        md5: Option<String>,
    ) -> Result<FilePut, FileError> {
        let blobs = &self.upload_parts().map_err(FileError::Refused)?.blobs;
        let writer = blobs.begin_blob(&file.0, properties).await?;
        Ok(FilePut { writer, check: Check::new(md5, PUT_BLOB_BYTES_MAX) })
    }

    /// Begins to take a block of a file.
    pub async fn put_block(
        &self,
        file: &WritableFile,
        id: &BlockId,
        md5: Option<String>,
    ) -> Result<BlockPut, FileError> {
        let blobs = &self.upload_parts().map_err(FileError::Refused)?.blobs;
        let writer = blobs.begin_block(&file.0, id).await?;
        Ok(BlockPut { writer, check: Check::new(md5, BLOCK_BYTES_MAX) })
    }

    /// Makes a file of blocks.
    pub async fn commit_blocks(
        &self,
        file: &WritableFile,
        blocks: &[BlockId],
        properties: &BlobProperties,
        condition: &BlobCondition,
    ) -> Result<BlobInfo, FileError> {
        let blobs = &self.upload_parts().map_err(FileError::Refused)?.blobs;
        Ok(blobs.commit_blocks(&file.0, blocks, properties, condition).await?)
    }

    /// The blocks of a file that wait for a list to name them, and the file itself, if it is there.
    /// Errors: `NotFound` when there is neither; `Blob`.
    pub async fn list_blocks(&self, file: &ReadableFile) -> Result<(Option<BlobInfo>, Vec<WaitingBlock>), FileError> {
        let blobs = &self.upload_parts().map_err(FileError::Refused)?.blobs;
        let (info, blocks) = (blobs.find(&file.0).await?, blobs.list_blocks(&file.0).await?);
        if info.is_none() && blocks.is_empty() { Err(FileError::NotFound) } else { Ok((info, blocks)) }
    }

    /// What is known of a file. Errors: `NotFound`, `Blob`.
    pub async fn find_file(&self, file: &ReadableFile) -> Result<BlobInfo, FileError> {
        let blobs = &self.upload_parts().map_err(FileError::Refused)?.blobs;
        blobs.find(&file.0).await?.ok_or(FileError::NotFound)
    }

    /// A file's content. Errors: `NotFound`, `Blob`.
    pub async fn read_file(&self, file: &ReadableFile, range: Option<ByteRange>) -> Result<BlobRead, FileError> {
        let blobs = &self.upload_parts().map_err(FileError::Refused)?.blobs;
        blobs.read(&file.0, range).await?.ok_or(FileError::NotFound)
    }

    fn file_path(&self, device: &str, name: &str) -> Result<BlobPath, FileError> {
        let device = DeviceId::parse(device).map_err(|why| FileError::Refused(why.into()))?;
        Ok(BlobPath::parse(self.key(), device, name)?)
    }

    fn judge_signature(&self, access: FileAccess<'_>, path: &BlobPath) -> Result<roadstead_sas::BlobRights, FileError> {
        let parts = self.upload_parts().map_err(FileError::Refused)?;
        let query = access.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(parts.key.judge(&path.full_name(), query, &self.now().iso_seconds())?)
    }

    fn judge_reader(&self, access: FileAccess<'_>, path: &BlobPath) -> Result<(), FileError> {
        match access.token {
            Some(_) => self.judge_back_end(access, path),
            None => Ok(self.judge_signature(access, path)?.check_read()?),
        }
    }

    fn judge_back_end(&self, access: FileAccess<'_>, path: &BlobPath) -> Result<(), FileError> {
        if access.has_role {
            return Ok(());
        }
        let segments = [Segment::AnyCase("devices"), Segment::Exact(path.device().as_str())];
        let token = access.token.unwrap_or_default();
        self.authorize(token, &segments, Right::ServiceConnect).map(|_| ()).map_err(FileError::Refused)
    }
}

/// A file being put whole.
pub struct FilePut {
    writer: Box<dyn BlobWriter>,
    check: Check,
}

/// A block being put.
pub struct BlockPut {
    writer: Box<dyn BlockWriter>,
    check: Check,
}

impl FilePut {
    /// Takes the next bytes. Errors: `TooLarge`, `Blob`. After an error only dropping is left.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FileError> {
        self.check.take(&bytes)?;
        Ok(self.writer.write(bytes).await?)
    }

    /// Makes it the file, durably; its MD5 in base64 as well. Errors: `Md5Mismatch`, `Blob`.
    pub async fn commit(self, condition: &BlobCondition) -> Result<(BlobInfo, String), FileError> {
        let md5 = self.check.finish()?;
        Ok((self.writer.commit(condition).await?, md5))
    }
}

impl BlockPut {
    /// Takes the next bytes. Errors: `TooLarge`, `Blob`. After an error only dropping is left.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FileError> {
        self.check.take(&bytes)?;
        Ok(self.writer.write(bytes).await?)
    }

    /// Keeps the block, durably. Errors: `Md5Mismatch`, `Blob`.
    pub async fn commit(self) -> Result<(), FileError> {
        self.check.finish()?;
        Ok(self.writer.commit().await?)
    }
}

/// Length and MD5 of what arrives.
struct Check {
    given: Option<String>,
    md5: Md5,
    bytes: u64,
    bytes_max: u64,
}

impl Check {
    fn new(given: Option<String>, bytes_max: u64) -> Self {
        Self { given, md5: Md5::new(), bytes: 0, bytes_max }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.bytes_max {
            return Err(FileError::TooLarge { bytes_max: self.bytes_max });
        }
        self.md5.update(bytes);
        Ok(())
    }

    fn finish(self) -> Result<String, FileError> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let found = STANDARD.encode(self.md5.finalize());
        match self.given {
            Some(given) if given.trim() != found => Err(FileError::Md5Mismatch { given, found }),
            _ => Ok(found),
        }
    }
}
