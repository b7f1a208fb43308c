-- One row of work.current_token as the build before left it, copied because this build replaces that table before both
-- are compared.
-- Grain: token_id
-- Only: increment
from {{ before('work.current_token') }}
