/// What it has to be raised with when the tables change.
pub(super) const VERSION: u32 = 1;

/// A response has its items in order, those of its input first. Responses that continue each
/// other have most items in common: each item is there once, and goes with the last response that
/// has it. `totals` is kept by the database itself, so that it is always right.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS responses (
        number INTEGER PRIMARY KEY, -- the later, the larger
        owner TEXT NOT NULL,
        id TEXT NOT NULL,
        created INTEGER NOT NULL,
        inputs INTEGER NOT NULL,
        json BLOB NOT NULL,
        UNIQUE (owner, id)
    );
    CREATE INDEX IF NOT EXISTS responses_by_age ON responses (created);

    CREATE TABLE IF NOT EXISTS items (
        number INTEGER PRIMARY KEY,
        owner TEXT NOT NULL,
        id TEXT NOT NULL,
        json BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS items_by_id ON items (owner, id);

    CREATE TABLE IF NOT EXISTS places (
        response INTEGER NOT NULL,
        place INTEGER NOT NULL,
        item INTEGER NOT NULL,
        PRIMARY KEY (response, place)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS places_by_item ON places (item);

    CREATE TABLE IF NOT EXISTS totals (entries INTEGER NOT NULL, bytes INTEGER NOT NULL);
    INSERT INTO totals SELECT 0, 0 WHERE NOT EXISTS (SELECT * FROM totals);

    CREATE TRIGGER IF NOT EXISTS response_comes AFTER INSERT ON responses BEGIN
        UPDATE totals SET entries = entries + 1,
            bytes = bytes + octet_length(NEW.id) + octet_length(NEW.json);
    END;
    CREATE TRIGGER IF NOT EXISTS response_goes AFTER DELETE ON responses BEGIN
        DELETE FROM places WHERE response = OLD.number;
        UPDATE totals SET entries = entries - 1,
            bytes = bytes - octet_length(OLD.id) - octet_length(OLD.json);
    END;
    CREATE TRIGGER IF NOT EXISTS place_goes AFTER DELETE ON places BEGIN
        DELETE FROM items WHERE number = OLD.item
            AND NOT EXISTS (SELECT * FROM places WHERE item = OLD.item);
    END;
    CREATE TRIGGER IF NOT EXISTS item_comes AFTER INSERT ON items BEGIN
        UPDATE totals SET bytes = bytes + octet_length(NEW.id) + octet_length(NEW.json);
    END;
    CREATE TRIGGER IF NOT EXISTS item_goes AFTER DELETE ON items BEGIN
        UPDATE totals SET bytes = bytes - octet_length(OLD.id) - octet_length(OLD.json);
    END;
";
