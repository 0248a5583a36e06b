//! Opening the database: look first, touch after.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::Tasks;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use zeroize::Zeroizing;

use super::{Database, Known, Sqlite, Synchronous, Writer, check, upgrade, wal};
use crate::key::{self, MasterKey};
use crate::keyring::{self, DataKeys, Keyring};
use crate::{Blobs, Error};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// For the rare moment in which another process looks into the database.
const BUSY: Duration = Duration::from_secs(5);
/// Pages held by a connection, in KiB (SQLite's own default is 2000). Rows are small.
const CACHE: &str = "-256";
/// The WAL is cut to this size when it starts anew.
const WAL_LIMIT: &str = "4194304";

/// Opens the database of a home; makes it if there is none.
///
/// A database of another key or of a newer version is left as it is.
pub(crate) async fn open_file(
    home: &Path,
    master: &MasterKey,
    tasks: &Tasks,
) -> Result<Sqlite, Error> {
    let path = home.join(key::DATABASE);
    let mut flaw = None;
    if std::fs::metadata(&path).is_ok_and(|found| 0 < found.len()) {
        flaw = inspect(&path, master).await?;
        wal::keep_if_damaged(&home.join(key::WAL))?;
    }
    // SQLite would make it, and the files beside it, with rights for others.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(|err| Error::io("open", &path, err))?;

    let options = options().filename(&path);
    let writer = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = connect(&writer).await?;
    if let Some(flaw) = flaw {
        check::mend(&mut connection, &flaw).await?;
    }
    prepare(&mut connection, master).await?;
    check::schema(&mut connection, &mut fresh().await?).await?;
    check::tell_strays(&mut connection).await?;
    let reader = connect(&options.read_only(true)).await?;
    let database = Database {
        writer: tokio::sync::Mutex::new(Some(Writer {
            connection,
            synchronous: Synchronous::Full,
        })),
        anew: Some(writer),
        reader: Some(tokio::sync::Mutex::new(Some(reader))),
    };
    let folder = home.join("blobs");
    let sqlite = Sqlite::new(Arc::new(database), master, |keys| {
        Blobs::in_folder(folder, keys, tasks)
    });
    sqlite.upgrade().await?;
    sqlite.cut_journal().await?;
    Ok(sqlite)
}

/// Opens a database that is gone when it is dropped.
pub(crate) async fn open_memory() -> Result<Sqlite, Error> {
    let master = MasterKey::random()?;
    let mut connection = connect(&options().in_memory(true).filename(":memory:")).await?;
    prepare(&mut connection, &master).await?;
    let writer = Writer {
        connection,
        synchronous: Synchronous::Unknown,
    };
    let database = Database {
        writer: tokio::sync::Mutex::new(Some(writer)),
        anew: None,
        reader: None,
    };
    Ok(Sqlite::new(Arc::new(database), &master, Blobs::in_memory))
}

impl Sqlite {
    fn new(
        db: Arc<Database>,
        master: &MasterKey,
        blobs: impl FnOnce(Arc<Keyring>) -> Blobs,
    ) -> Self {
        let stored: Arc<dyn DataKeys> = Arc::<Database>::clone(&db);
        let keys = Arc::new(Keyring::new(master, stored));
        Self {
            db,
            blobs: blobs(Arc::clone(&keys)),
            keys,
            good_sessions: Known::default(),
            good_tabs: Known::default(),
            recorded: std::sync::Mutex::default(),
            open_calls: std::sync::Mutex::default(),
            keyed_calls: std::sync::Mutex::default(),
            publishing: tokio::sync::Mutex::default(),
            swept: Known::default(),
        }
    }

    /// Returns the blobs that the checkpoints point to.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }
}

pub(super) fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .busy_timeout(BUSY)
        .foreign_keys(false)
        .statement_cache_capacity(64)
        .thread_name(|_| "store-sqlite".into())
        .pragma("cache_size", CACHE)
        // Nothing of it in files outside the home.
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", WAL_LIMIT)
        // What is removed from a page is gone from it: names, and the keys of what was forgotten.
        .pragma("secure_delete", "FAST")
        .disable_statement_logging()
}

pub(super) async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, Error> {
    options
        .connect()
        .await
        .map_err(|err| Error::sql("open the database", err))
}

/// Refuses a database of a newer version or of another key, without a byte written to it.
/// Tells the first flaw of its file.
async fn inspect(path: &Path, master: &MasterKey) -> Result<Option<String>, Error> {
    use sqlx::Connection;
    let mut connection = connect(&options().filename(path).read_only(true)).await?;
    let found = look(&mut connection, master).await;
    let flaw = match found {
        Ok(()) => check::flaw(&mut connection).await,
        Err(err) => Err(err),
    };
    let closed = connection.close().await;
    let flaw = flaw?;
    closed.map_err(|err| Error::sql("close the database", err))?;
    Ok(flaw)
}

async fn look(connection: &mut SqliteConnection, master: &MasterKey) -> Result<(), Error> {
    let fail = |err| Error::sql("look into the database", err);
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut *connection)
            .await
            .map_err(fail)?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    if has("_sqlx_migrations") {
        let found: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&mut *connection)
            .await
            .map_err(fail)?;
        let known = MIGRATIONS
            .iter()
            .map(|migration| migration.version)
            .max()
            .unwrap_or(0);
        if let Some(found) = found
            && known < found
        {
            return Err(Error::Newer { found, known });
        }
    }
    if has("home") {
        check_key(connection, master).await?;
    }
    Ok(())
}

/// Tells whether the key is the database's; a database without a check value has no key yet.
pub(super) async fn check_key(
    connection: &mut SqliteConnection,
    master: &MasterKey,
) -> Result<Option<()>, Error> {
    let check: Option<Vec<u8>> = sqlx::query_scalar("SELECT key_check FROM home")
        .fetch_optional(&mut *connection)
        .await
        .map_err(|err| Error::sql("read the key's check value", err))?;
    check
        .map(|check| keyring::is_key_of(master, &check))
        .transpose()
}

/// Returns a database in memory that has the schema and nothing else.
async fn fresh() -> Result<SqliteConnection, Error> {
    let mut connection = connect(&options().in_memory(true).filename(":memory:")).await?;
    migrate(&mut connection).await?;
    Ok(connection)
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
    MIGRATIONS
        .run_direct(None, &mut *connection, false)
        .await
        .map_err(|err| match err {
            sqlx::migrate::MigrateError::Execute(err) => {
                Error::sql("bring the schema up to date", err)
            }
            sqlx::migrate::MigrateError::ExecuteMigration(err, _) => {
                Error::sql("bring the schema up to date", err)
            }
            other => Error::corrupt("the database's schema", other.to_string()),
        })
}

/// Brings the schema up to date and gives a new database its key and nonce.
async fn prepare(connection: &mut SqliteConnection, master: &MasterKey) -> Result<(), Error> {
    migrate(connection).await?;
    if check_key(connection, master).await?.is_some() {
        return Ok(());
    }
    let nonce = key::random_bytes::<16>()?;
    let mut text = Zeroizing::new(String::with_capacity(32));
    key::push_hex(&mut text, &nonce[..]);
    sqlx::query(
        "INSERT INTO home (only_row, key_check, nonce, epoch, form) VALUES (1, ?, ?, 0, ?)",
    )
    .bind(keyring::check_value(master)?)
    .bind(text.as_str())
    .bind(upgrade::NEWEST)
    .execute(connection)
    .await
    .map_err(|err| Error::sql("prepare the database", err))?;
    Ok(())
}
