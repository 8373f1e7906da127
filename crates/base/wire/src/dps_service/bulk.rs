//! Several enrollments in one request.

use serde::{Deserialize, Serialize};

use super::enrollment::{EnrollmentGroup, IndividualEnrollment};
use crate::word::{Word, words};

/// What is done with each enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkMode {
    Create,
    Update,
    UpdateIfMatchEtag,
    Delete,
}

words!("mode", BulkMode {
    Create = "create",
    Update = "update",
    UpdateIfMatchEtag = "updateIfMatchETag",
    Delete = "delete",
});

/// At most [`crate::limits::DPS_BULK_ENROLLMENTS_MAX`]; the parser does not count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BulkIndividuals {
    pub mode: Word<BulkMode>,
    pub enrollments: Vec<IndividualEnrollment>,
}

/// At most [`crate::limits::DPS_BULK_ENROLLMENTS_MAX`]; the parser does not count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkGroups {
    pub mode: Word<BulkMode>,
    pub enrollment_groups: Vec<EnrollmentGroup>,
}

/// Always answered with 200. Shape: `{"isSuccessful":false,"errors":[{"registrationId":"a","errorCode":409201,"errorStatus":"…"}]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkResult<E> {
    pub is_successful: bool,
    #[serde(default = "Vec::new")]
    pub errors: Vec<E>,
}

impl<E> BulkResult<E> {
    /// Successful when nothing failed.
    pub fn new(errors: Vec<E>) -> Self {
        Self { is_successful: errors.is_empty(), errors }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkError {
    pub registration_id: String,
    pub error_code: u32,
    pub error_status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkGroupError {
    pub enrollment_group_id: String,
    pub error_code: u32,
    pub error_status: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_and_results() {
        let request = json!({"mode": "updateIfMatchEtag", "enrollments": [{"registrationId": "a", "attestation": {"type": "symmetricKey"}}]});
        let parsed: BulkIndividuals = serde_json::from_value(request).unwrap();
        assert_eq!((parsed.mode.0, parsed.enrollments.len()), (BulkMode::UpdateIfMatchEtag, 1));
        let groups: BulkGroups = serde_json::from_value(json!({"mode": "delete", "enrollmentGroups": []})).unwrap();
        assert_eq!(serde_json::to_value(groups).unwrap(), json!({"mode": "delete", "enrollmentGroups": []}));
        let error = BulkError { registration_id: "a".into(), error_code: 409_201, error_status: "exists".into() };
        let expected = json!({"isSuccessful": false, "errors": [{"registrationId": "a", "errorCode": 409_201, "errorStatus": "exists"}]});
        assert_eq!(serde_json::to_value(BulkResult::new(vec![error])).unwrap(), expected);
        let fine = serde_json::to_value(BulkResult::<BulkGroupError>::new(vec![])).unwrap();
        assert_eq!(fine, json!({"isSuccessful": true, "errors": []}));
        for bad in
            [json!({"mode": "replace", "enrollments": []}), json!({"enrollments": []}), json!({"mode": "create"})]
        {
            assert!(serde_json::from_value::<BulkIndividuals>(bad.clone()).is_err(), "{bad}");
        }
    }
}
