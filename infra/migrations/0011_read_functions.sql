-- The readers' commands (amend list, quarantine list --since) tell instants as the other roles' do.
GRANT EXECUTE ON FUNCTION instant(bigint), epoch_us(timestamptz) TO smartgrid_read;
