-- What the build before knew, kept aside for an increment: the models that need no plan replace it before the plan is
-- made.
create or replace temporary table token_before as
from work.current_token;

create or replace temporary table epoch_before as
from work.sector_epoch;

create or replace temporary table price_source_before as
from work.price_source;

create or replace temporary table coverage_before as
from work.coverage;

create or replace temporary table feed_before as
from staging.feed;
