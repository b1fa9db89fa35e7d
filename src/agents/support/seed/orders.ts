import type { OrderStatus } from '../entities.ts';

/** What a customer did with an order after it was placed; the shop's own rules turn it into the order's state. */
export type Later =
  | { readonly kind: 'cancel'; readonly reason: string }
  | { readonly kind: 'return'; readonly itemIds: readonly string[]; readonly to: string }
  | {
      readonly kind: 'exchange' | 'modify';
      readonly itemIds: readonly string[];
      readonly newItemIds: readonly string[];
      readonly by: string;
    }
  | { readonly kind: 'pay'; readonly by: string };

export interface OrderRow {
  readonly id: string;
  readonly person: string;
  readonly status: OrderStatus;
  readonly items: readonly string[];
  readonly paidBy: string;
  readonly later: Later | null;
}

function order(
  id: string,
  person: string,
  status: 'processed' | 'pending' | 'delivered',
  bought: { readonly items: string; readonly by: string },
  later: Later | null = null,
): OrderRow {
  return { id: `#W${id}`, person, status, items: bought.items.split(' '), paidBy: bought.by, later };
}

/** Orders as they were placed, oldest first. */
export const orders: readonly OrderRow[] = [
  // Mara: a delivered order with several items, a cheap one, and a pending one.
  order('7000101', 'mara_lindqvist_2041', 'delivered', {
    items: '3300102 3300303 3300901',
    by: 'credit_card_2041177',
  }),
  order('7000102', 'mara_lindqvist_2041', 'delivered', { items: '3300301', by: 'credit_card_2041177' }),
  order('7000103', 'mara_lindqvist_2041', 'pending', {
    items: '3300203 3301001 3301003',
    by: 'credit_card_2041177',
  }),
  order('7000104', 'mara_lindqvist_2041', 'processed', { items: '3301301', by: 'gift_card_2041902' }),
  // Everybody else.
  order('7000111', 'tomas_brandt_1187', 'delivered', { items: '3300502 3300701', by: 'credit_card_1187034' }),
  order('7000112', 'tomas_brandt_1187', 'pending', { items: '3301201', by: 'credit_card_1187034' }),
  order(
    '7000113',
    'tomas_brandt_1187',
    'pending',
    { items: '3300602 3301102', by: 'credit_card_1187034' },
    { kind: 'cancel', reason: 'no longer needed' },
  ),
  order('7000121', 'ines_carvalho_3320', 'delivered', {
    items: '3301002 3301004 3301002',
    by: 'paypal_3320551',
  }),
  order('7000122', 'ines_carvalho_3320', 'pending', { items: '3300302 3300302', by: 'gift_card_3320118' }),
  order(
    '7000123',
    'ines_carvalho_3320',
    'delivered',
    { items: '3300401', by: 'paypal_3320551' },
    { kind: 'return', itemIds: ['3300401'], to: 'paypal_3320551' },
  ),
  order('7000131', 'odell_whitaker_4096', 'pending', { items: '3300104 3300504', by: 'credit_card_4096220' }),
  order('7000132', 'odell_whitaker_4096', 'delivered', { items: '3300604 3301103', by: 'paypal_4096903' }),
  order(
    '7000133',
    'odell_whitaker_4096',
    'pending',
    { items: '3300801', by: 'credit_card_4096220' },
    { kind: 'pay', by: 'paypal_4096903' },
  ),
  order('7000141', 'asa_oberg_5113', 'delivered', { items: '3301303 3300902', by: 'gift_card_5113047' }),
  order('7000142', 'asa_oberg_5113', 'pending', { items: '3300204', by: 'credit_card_5113608' }),
  order(
    '7000143',
    'asa_oberg_5113',
    'delivered',
    { items: '3300802 3300804', by: 'credit_card_5113608' },
    { kind: 'exchange', itemIds: ['3300804'], newItemIds: ['3300802'], by: 'credit_card_5113608' },
  ),
  order('7000151', 'priya_raman_6252', 'delivered', { items: '3300201 3300303', by: 'paypal_6252410' }),
  order('7000152', 'priya_raman_6252', 'processed', { items: '3300403', by: 'paypal_6252410' }),
  order('7000161', 'gustavo_pires_7019', 'pending', { items: '3300503 3300703', by: 'credit_card_7019335' }),
  order('7000162', 'gustavo_pires_7019', 'delivered', { items: '3300601', by: 'credit_card_7019335' }),
  order(
    '7000163',
    'gustavo_pires_7019',
    'pending',
    { items: '3300102', by: 'credit_card_7019335' },
    { kind: 'modify', itemIds: ['3300102'], newItemIds: ['3300103'], by: 'credit_card_7019335' },
  ),
  order('7000171', 'hanna_kowalski_7741', 'delivered', {
    items: '3301202 3300803',
    by: 'credit_card_7741062',
  }),
  order(
    '7000172',
    'hanna_kowalski_7741',
    'pending',
    { items: '3300903', by: 'credit_card_7741062' },
    { kind: 'cancel', reason: 'ordered by mistake' },
  ),
  order('7000173', 'hanna_kowalski_7741', 'pending', { items: '3301302', by: 'credit_card_7741062' }),
  order('7000181', 'lionel_achebe_8135', 'delivered', { items: '3300501 3300202', by: 'paypal_8135777' }),
  order('7000182', 'lionel_achebe_8135', 'processed', { items: '3300402', by: 'credit_card_8135290' }),
  order('7000183', 'lionel_achebe_8135', 'pending', { items: '3301101 3301101', by: 'credit_card_8135290' }),
  order('7000191', 'noor_haddad_8460', 'delivered', { items: '3301203', by: 'credit_card_8460911' }),
  order('7000192', 'noor_haddad_8460', 'pending', { items: '3301301 3301302', by: 'gift_card_8460333' }),
  order(
    '7000193',
    'noor_haddad_8460',
    'delivered',
    { items: '3300702', by: 'credit_card_8460911' },
    { kind: 'return', itemIds: ['3300702'], to: 'gift_card_8460333' },
  ),
  order('7000201', 'wendell_frost_9024', 'pending', { items: '3301103 3300603', by: 'credit_card_9024650' }),
  order('7000202', 'wendell_frost_9024', 'delivered', {
    items: '3301001 3301001 3301001',
    by: 'credit_card_9024650',
  }),
  order('7000211', 'yuki_tanabe_9377', 'delivered', { items: '3300901 3300302', by: 'gift_card_9377585' }),
  order(
    '7000212',
    'yuki_tanabe_9377',
    'pending',
    { items: '3300203', by: 'paypal_9377104' },
    { kind: 'modify', itemIds: ['3300203'], newItemIds: ['3300202'], by: 'gift_card_9377585' },
  ),
  order('7000213', 'yuki_tanabe_9377', 'processed', { items: '3300801', by: 'paypal_9377104' }),
  order('7000221', 'clara_moreau_1502', 'delivered', { items: '3300101 3300501', by: 'credit_card_1502448' }),
  order('7000222', 'clara_moreau_1502', 'pending', { items: '3301004', by: 'credit_card_1502448' }),
  order('7000231', 'dmitri_volkov_1689', 'delivered', {
    items: '3300103 3300204 3300903',
    by: 'credit_card_1689723',
  }),
  order('7000232', 'dmitri_volkov_1689', 'pending', { items: '3300402 3300401', by: 'paypal_1689206' }),
  order('7000241', 'ebba_nystrom_1934', 'delivered', { items: '3301201 3301303', by: 'gift_card_1934060' }),
  order(
    '7000242',
    'ebba_nystrom_1934',
    'pending',
    { items: '3300804', by: 'gift_card_1934060' },
    { kind: 'cancel', reason: 'no longer needed' },
  ),
  order('7000243', 'ebba_nystrom_1934', 'pending', { items: '3300104', by: 'credit_card_1934818' }),
  order('7000251', 'farid_aziz_2213', 'delivered', { items: '3300505', by: 'paypal_2213964' }),
  order('7000252', 'farid_aziz_2213', 'processed', { items: '3301102 3300602', by: 'paypal_2213964' }),
  order('7000261', 'greta_holm_2378', 'pending', { items: '3301002', by: 'gift_card_2378141' }),
  order(
    '7000262',
    'greta_holm_2378',
    'delivered',
    { items: '3300202 3301303', by: 'credit_card_2378515' },
    { kind: 'exchange', itemIds: ['3300202'], newItemIds: ['3300203'], by: 'gift_card_2378141' },
  ),
  order('7000263', 'greta_holm_2378', 'delivered', { items: '3300303 3300301', by: 'credit_card_2378515' }),
  order('7000271', 'hector_salinas_2566', 'delivered', { items: '3300603', by: 'credit_card_2566087' }),
  order(
    '7000272',
    'hector_salinas_2566',
    'pending',
    { items: '3300703 3300601', by: 'credit_card_2566087' },
    { kind: 'cancel', reason: 'ordered by mistake' },
  ),
  order('7000281', 'isla_macrae_2790', 'delivered', { items: '3300403 3301301', by: 'paypal_2790432' }),
  order('7000282', 'isla_macrae_2790', 'pending', { items: '3300101', by: 'credit_card_2790669' }),
  order('7000283', 'isla_macrae_2790', 'processed', { items: '3300902', by: 'paypal_2790432' }),
  order('7000291', 'jonas_eklund_2985', 'delivered', { items: '3300504', by: 'credit_card_2985371' }),
  order('7000292', 'jonas_eklund_2985', 'pending', { items: '3301003 3300803', by: 'credit_card_2985371' }),
  order(
    '7000301',
    'keiko_mori_3107',
    'delivered',
    { items: '3301202', by: 'credit_card_3107926' },
    { kind: 'return', itemIds: ['3301202'], to: 'credit_card_3107926' },
  ),
  order('7000302', 'keiko_mori_3107', 'pending', { items: '3300201', by: 'credit_card_3107926' }),
  order('7000311', 'luca_ferrante_3481', 'delivered', { items: '3300701 3300802', by: 'paypal_3481057' }),
  order('7000312', 'luca_ferrante_3481', 'pending', { items: '3300302', by: 'gift_card_3481700' }),
  order('7000321', 'mirela_popescu_3654', 'processed', { items: '3301203', by: 'credit_card_3654812' }),
  order(
    '7000322',
    'mirela_popescu_3654',
    'delivered',
    { items: '3300502', by: 'credit_card_3654812' },
    { kind: 'exchange', itemIds: ['3300502'], newItemIds: ['3300504'], by: 'credit_card_3654812' },
  ),
  order('7000331', 'nils_abernathy_3826', 'pending', { items: '3300604 3301103', by: 'paypal_3826539' }),
  order('7000332', 'nils_abernathy_3826', 'delivered', { items: '3301101', by: 'credit_card_3826144' }),
];
