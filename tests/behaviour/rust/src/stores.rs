//! The operations of stores.

use serde_json::json;
use sipgate_oauth2::{Store, StoreOptions};

use crate::args::{Args, Failure};
use crate::custom_store::CustomStore;
use crate::operations::{Members, Shim};

impl Shim {
    /// The store for a client.
    pub(crate) fn store(&self, mut args: Args) -> Result<Store, Failure> {
        let mut store = match args.needed("kind")?.as_str() {
            "memory" => Store::memory(),
            "sqlite" => Store::sqlite(args.needed("path")?)?,
            "opened" => self.stores.get(&args.needed("name")?)?,
            "custom" => Store::new(self.custom_store(&mut args, "custom")?),
            other => return Err(Failure::Call(format!("no such kind of store: {other}"))),
        };
        store = with_settings(store, &mut args)?;
        args.end()?;
        Ok(store)
    }

    pub(crate) fn store_open(&self, mut args: Args) -> Members {
        let name = args.needed("name")?;
        let mut options = StoreOptions::new();
        if let Some(password) = args.text("password")? {
            options = options.password(move || Ok(password.clone()));
        }
        if args.flag("password_fails")? {
            options = options.password(|| Err("there is no password".into()));
        }
        if let Some(pem) = args.text("ca_certificates")? {
            options = options.ca_certificates(pem);
        }
        if let Some(timeout) = args.seconds("timeout")? {
            options = options.timeout(timeout);
        }
        if let Some(connections) = args.count("connections")? {
            options = options.connections(usize::try_from(connections).unwrap_or(usize::MAX));
        }
        if let Some(table) = args.text("table")? {
            options = options.table(table);
        }
        if let Some(create_table) = args.optional_flag("create_table")? {
            options = options.create_table(create_table);
        }
        if let Some(prefix) = args.text("prefix")? {
            options = options.prefix(prefix);
        }
        if let Some(durability) = args.text("durability")? {
            options = options.durability(durability.parse()?);
        }
        if let Some(replicas) = args.count("replicas")? {
            options = options.replicas(u32::try_from(replicas).unwrap_or(u32::MAX));
        }
        if args.flag("allow_network_file_system")? {
            options = options.allow_network_file_system();
        }
        let store = match args.text("custom")? {
            Some(custom) => Store::new(self.custom_stores.get_or_make(&custom)),
            None => Store::open_with(&args.needed("url")?, &options)?,
        };
        let store = with_settings(store, &mut args)?;
        args.end()?;
        self.stores.put(name, store);
        Ok(json!({}))
    }

    pub(crate) fn store_check(&self, mut args: Args) -> Members {
        let (store, call) = (self.stores.get(&args.needed("name")?)?, self.call(&mut args)?);
        args.end()?;
        Ok(json!({"problems": store.start_check(&call).wait()?}))
    }

    pub(crate) fn store_limit(&self, mut args: Args) -> Members {
        let (custom, saves) = (self.custom_store(&mut args, "custom")?, args.count("saves")?);
        args.end()?;
        custom.limit(saves);
        Ok(json!({}))
    }

    pub(crate) fn store_hang(&self, mut args: Args) -> Members {
        let (custom, hangs) = (self.custom_store(&mut args, "custom")?, args.flag("hangs")?);
        args.end()?;
        custom.hang(hangs);
        Ok(json!({}))
    }

    pub(crate) fn store_break(&self, mut args: Args) -> Members {
        let (custom, mistake) = (self.custom_store(&mut args, "custom")?, args.text("mistake")?);
        args.end()?;
        custom.mistake(mistake);
        Ok(json!({}))
    }

    pub(crate) fn store_copy(&self, mut args: Args) -> Members {
        let (custom, to) = (self.custom_store(&mut args, "custom")?, self.custom_store(&mut args, "to")?);
        args.end()?;
        to.copy_from(&custom);
        Ok(json!({}))
    }

    /// The store that an argument names. It is created at its first use.
    fn custom_store(&self, args: &mut Args, argument: &str) -> Result<CustomStore, Failure> {
        Ok(self.custom_stores.get_or_make(&args.needed(argument)?))
    }
}

fn with_settings(mut store: Store, args: &mut Args) -> Result<Store, Failure> {
    if let Some(recheck) = args.seconds("recheck")? {
        store = store.recheck(recheck);
    }
    if let Some(keys) = args.encryption_keys()? {
        store = store.encrypted(keys)?;
    }
    Ok(store)
}
