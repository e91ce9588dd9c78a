use std::net::IpAddr;

use switchtower_layers::{
    Buffered,
    budget::{
        BudgetLayer, Ledger, Limit, Limits, Money, Period, Price, PriceList, SizeEstimator, Spend,
    },
    rate_limit::ByIp,
};

use crate::{
    call::{self, NoOp, at_once, by_two},
    contest::{self, Contests},
    inputs::{address, answer, bare_request, prompt, request, with},
};

/// With limits so high that all pass.
fn ledger() -> Ledger<IpAddr> {
    Ledger::new(Limits::from([
        Limit::tokens(u64::MAX, Period::Day),
        Limit::money(Money::from_nanos(u64::MAX), Period::Month),
    ]))
}

fn layer(ledger: Ledger<IpAddr>) -> BudgetLayer<IpAddr, ByIp, SizeEstimator, PriceList> {
    let price = Price::per_million(Money::from_dollars(1), Money::from_dollars(4));
    BudgetLayer::new(ledger, ByIp).pricing(PriceList::from_iter([("gpt-5.1", price)]))
}

fn reserve_and_settle(ledger: &Ledger<IpAddr>, key: IpAddr) {
    let (spend, now) = (Spend { requests: 1, ..Spend::NOTHING }, ledger.now());
    let reservation = ledger.reserve(Some(key), spend, now).expect("enough");
    reservation.settle(spend, now);
}

pub(crate) fn hold(contests: &mut Contests) {
    let body = Buffered::from(prompt(1 << 10));
    contests.hold("budget", |contest| {
        let (answer, ask) = (answer(), with(request(body.clone()), address(1)));
        contest.add("no-op", call::of(&NoOp, &answer, &ask));
        contest.add("layer", call::of(&layer(ledger()), &answer, &ask));
        let off = layer(Ledger::new(Limits::NONE));
        contest.add("layer, no limits", call::of(&off, &answer, &ask));
        let over = Ledger::new(Limits::from([Limit::tokens(1, Period::Day)]));
        contest.add("layer, rejection", call::of(&layer(over), &answer, &ask));
        let ledger = ledger();
        contest.add(
            "reserve and settle",
            contest::work(move || reserve_and_settle(&ledger, address(1))),
        );
    });

    contests.hold("budget, 2 threads", |contest| {
        let ask = |of: [u8; 2]| of.map(|of| with(bare_request(body.clone()), address(of)));
        contest.add("no-op", by_two(&NoOp, ask([1, 2])));
        contest.add("layer, one key", by_two(&layer(ledger()), ask([1, 1])));
        contest.add("layer, two keys", by_two(&layer(ledger()), ask([1, 2])));
        for (name, keys) in
            [("reserve and settle, one key", [1, 1]), ("reserve and settle, two keys", [1, 2])]
        {
            let ledger = ledger();
            let work = at_once(keys.map(|key| {
                let ledger = ledger.clone();
                move || reserve_and_settle(&ledger, address(key))
            }));
            contest.add(name, work);
        }
    });
}
