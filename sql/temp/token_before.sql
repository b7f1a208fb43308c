-- What the build before knew of work.current_token, which this build makes anew before it is asked for.
-- Grain: token_id
-- Only: increment
from {{ before('work.current_token') }}
