//! Stored responses: `previous_response_id`, retrieval and deletion.
